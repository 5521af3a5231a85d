#include "reference.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static double *zeros(int64_t n) {
  return calloc((size_t)n + 1, sizeof(double));
}

static const hr_real *data(const reference *self, int32_t layer, const char *name) {
  char full[128];
  snprintf(full, sizeof full, "layers.%d.%s", layer, name);
  hr_parameter *parameter = find_parameter(self->model, layer < 0 ? name : full);
  if (!parameter) {
    printf("the model has no tensor %s\n", layer < 0 ? name : full);
    exit(2);
  }
  return parameter->data;
}

/* y [rows] = w [rows, columns] x + bias */
static void linear(double *y, const hr_real *w, const hr_real *bias, const double *x, int32_t rows,
                   int32_t columns) {
  for (int32_t i = 0; i < rows; i++) {
    y[i] = bias ? (double)bias[i] : 0;
    for (int32_t j = 0; j < columns; j++) y[i] += (double)w[(int64_t)i * columns + j] * x[j];
  }
}

static void layer_norm(double *y, const double *x, const hr_real *weight, const hr_real *bias, int32_t d) {
  double mean = 0, variance = 0;
  for (int32_t i = 0; i < d; i++) mean += x[i] / d;
  for (int32_t i = 0; i < d; i++) variance += (x[i] - mean) * (x[i] - mean) / d;
  for (int32_t i = 0; i < d; i++)
    y[i] = (x[i] - mean) / sqrt(variance + 1e-5) * (double)weight[i] + (double)bias[i];
}

static void softmax(double *x, int32_t n) {
  double top = x[0], sum = 0;
  for (int32_t i = 1; i < n; i++) top = fmax(top, x[i]);
  for (int32_t i = 0; i < n; i++) sum += x[i] = exp(x[i] - top);
  for (int32_t i = 0; i < n; i++) x[i] /= sum;
}

/* o = W2 relu(W1 x + c1) + c2 */
static void network(double *o, const hr_real *w1, const hr_real *c1, const hr_real *w2, const hr_real *c2,
                    const double *x, int32_t d, int32_t f) {
  double *hidden = zeros(f);
  linear(hidden, w1, c1, x, f, d);
  for (int32_t i = 0; i < f; i++) hidden[i] = fmax(0, hidden[i]);
  linear(o, w2, c2, hidden, d, f);
  free(hidden);
}

static double length(const double *x, int32_t n) {
  double square = 0;
  for (int32_t i = 0; i < n; i++) square += x[i] * x[i];
  return sqrt(square);
}

/* cos(P x + c, column e of S) exp(min(t, ln 100)) */
static void cosine_logits(const reference *self, double *logits, const double *x, int32_t layer) {
  const int32_t e = self->config.experts, z = self->config.router_size;
  const hr_real *s = data(self, layer, "pos_ff.gate.sim_matrix");
  const double t = (double)data(self, layer, "pos_ff.gate.temperature")[0];
  double *projected = zeros(z), *column = zeros(z);
  linear(projected, data(self, layer, "pos_ff.gate.cosine_projector.weight"),
         data(self, layer, "pos_ff.gate.cosine_projector.bias"), x, z, self->config.d_model);
  for (int32_t id = 0; id < e; id++) {
    double dot = 0;
    for (int32_t i = 0; i < z; i++) dot += projected[i] * (column[i] = (double)s[i * e + id]);
    logits[id] = dot / length(projected, z) / length(column, z) * exp(fmin(t, log(100)));
  }
  free(projected);
  free(column);
}

/* R [E,D] and b [E] side by side, as rows of [E,D+1]. */
static void router(const reference *self, double *rows, int32_t layer) {
  const hr_config *c = &self->config;
  const int32_t d = c->d_model, e = c->experts, z = c->hyper_size;
  if (strcmp(router_name(c->router), "hyperrouter") == 0) {
    double *v = zeros(d), *hidden = zeros(z);
    for (int32_t i = 0; i < d; i++) v[i] = (double)data(self, layer, "pos_ff.gate.embedding")[i];
    linear(hidden, data(self, layer, "pos_ff.gate.hypernet.0.weight"),
           data(self, layer, "pos_ff.gate.hypernet.0.bias"), v, z, d);
    for (int32_t i = 0; i < z; i++) hidden[i] = fmax(0, hidden[i]);
    linear(rows, data(self, layer, "pos_ff.gate.hypernet.2.weight"),
           data(self, layer, "pos_ff.gate.hypernet.2.bias"), hidden, e * (d + 1), z);
    free(v);
    free(hidden);
    return;
  }
  const bool custom = strcmp(router_name(self->config.router), "custom") == 0;
  const char *weight = custom ? "pos_ff.gate.generated.weight" : "pos_ff.gate.gate.weight";
  const char *bias = custom ? "pos_ff.gate.generated.bias" : "pos_ff.gate.gate.bias";
  for (int32_t i = 0; i < e; i++) {
    for (int32_t j = 0; j < d; j++) rows[i * (d + 1) + j] = (double)data(self, layer, weight)[i * d + j];
    rows[i * (d + 1) + d] = (double)data(self, layer, bias)[i];
  }
}

/* y = sum of s_e o_e(x) over the chosen experts, of token n of N */
static void mixture(reference *self, double *y, const double *x, const double *rows, int32_t layer, int32_t n,
                    int32_t tokens) {
  const int32_t d = self->config.d_model, f = self->config.d_inner, e = self->config.experts, k = self->top_k;
  double *logits = self->router_logits + ((int64_t)layer * tokens + n) * e;
  double *weights = self->weights + ((int64_t)layer * tokens + n) * k;
  int32_t *experts = self->experts + ((int64_t)layer * tokens + n) * k;
  const char *name = router_name(self->config.router);
  const bool hash = strcmp(name, "hash") == 0;
  if (strcmp(name, "cosine") == 0) {
    cosine_logits(self, logits, x, layer);
  } else if (hash) {
    for (int32_t id = 0; id < e; id++)
      logits[id] = (double)data(self, layer, "pos_ff.gate.table")[(int64_t)self->tokens[n] * e + id];
  } else {
    for (int32_t id = 0; id < e; id++) {
      logits[id] = rows[id * (d + 1) + d];
      for (int32_t j = 0; j < d; j++) logits[id] += rows[id * (d + 1) + j] * x[j];
    }
  }
  bool *taken = calloc((size_t)e, sizeof *taken);
  for (int32_t j = 0; j < k; j++) {
    int32_t best = -1;
    for (int32_t id = 0; id < e; id++) {
      if (!taken[id] && (best < 0 || logits[id] > logits[best])) best = id;
    }
    taken[best] = true;
    experts[j] = best;
    weights[j] = logits[best];
  }
  free(taken);
  softmax(weights, k);
  for (int32_t j = 0; hash && j < k; j++) weights[j] = 1.0 / k;
  double *o = zeros(d);
  for (int32_t i = 0; i < d; i++) y[i] = 0;
  for (int32_t j = 0; j < k; j++) {
    const int64_t id = experts[j];
    network(o, data(self, layer, "pos_ff.experts.htoh4.weight") + id * f * d,
            data(self, layer, "pos_ff.experts.htoh4.bias") + id * f,
            data(self, layer, "pos_ff.experts.h4toh.weight") + id * d * f,
            data(self, layer, "pos_ff.experts.h4toh.bias") + id * d, x, d, f);
    for (int32_t i = 0; i < d; i++) y[i] += weights[j] * o[i];
  }
  free(o);
}

/* x [N,D] in place */
static void feedforward(reference *self, double *x, int32_t layer, int32_t tokens) {
  const hr_config *c = &self->config;
  const int32_t d = c->d_model;
  const bool dense = !router_routes(c->router);
  const hr_real *weight = data(self, layer, "pos_ff.layer_norm.weight");
  const hr_real *bias = data(self, layer, "pos_ff.layer_norm.bias");
  double *rows = zeros((int64_t)c->experts * (d + 1)), *in = zeros(d), *out = zeros(d);
  const bool matrix = router_option(c->router)->traits & HR_TRAIT_MATRIX;
  if (matrix) router(self, rows, layer);
  for (int32_t n = 0; n < tokens; n++) {
    double *x_n = x + (int64_t)n * d;
    memcpy(in, x_n, (size_t)d * sizeof *in);
    if (c->pre_layer_norm) layer_norm(in, x_n, weight, bias, d);
    if (dense) {
      network(out, data(self, layer, "pos_ff.CoreNet.0.weight"), data(self, layer, "pos_ff.CoreNet.0.bias"),
              data(self, layer, "pos_ff.CoreNet.3.weight"), data(self, layer, "pos_ff.CoreNet.3.bias"), in, d,
              c->d_inner * c->experts);
    } else {
      mixture(self, out, in, rows, layer, n, tokens);
    }
    for (int32_t i = 0; i < d; i++) out[i] += x_n[i];
    memcpy(x_n, out, (size_t)d * sizeof *x_n);
    if (!c->pre_layer_norm) layer_norm(x_n, out, weight, bias, d);
  }
  free(rows);
  free(in);
  free(out);
}

/* r_p: the sines of the distance, then the cosines. */
static void position(double *r, int32_t distance, int32_t d) {
  for (int32_t i = 0; i < d / 2; i++) {
    const double angle = distance * pow(10000, -2.0 * i / d);
    r[i] = sin(angle);
    r[i + d / 2] = cos(angle);
  }
}

/* One stream: x [T,D] in place, behind memory [M,D]. */
static void attention(reference *self, double *x, const double *memory, int32_t layer, int32_t t, int32_t m) {
  const hr_config *c = &self->config;
  const int32_t d = c->d_model, h = c->heads, a = c->d_head, width = h * a, s = m + t;
  const hr_real *weight = data(self, layer, "dec_attn.layer_norm.weight");
  const hr_real *bias = data(self, layer, "dec_attn.layer_norm.bias");
  const hr_real *u = data(self, -1, "r_w_bias"), *w = data(self, -1, "r_r_bias");
  double *source = zeros(d), *qkv = zeros((int64_t)s * 3 * width), *r = zeros(d);
  double *position_keys = zeros((int64_t)s * width), *scores = zeros(s), *vector = zeros(width),
         *out = zeros(d);
  for (int32_t j = 0; j < s; j++) {
    const double *row = j < m ? memory + (int64_t)j * d : x + (int64_t)(j - m) * d;
    memcpy(source, row, (size_t)d * sizeof *source);
    if (c->pre_layer_norm) layer_norm(source, row, weight, bias, d);
    linear(qkv + (int64_t)j * 3 * width, data(self, layer, "dec_attn.qkv_net.weight"), NULL, source,
           3 * width, d);
    position(r, j, d);
    linear(position_keys + (int64_t)j * width, data(self, layer, "dec_attn.r_net.weight"), NULL, r, width, d);
  }
  for (int32_t i = 0; i < t; i++) {
    const double *q = qkv + (int64_t)(m + i) * 3 * width;
    for (int32_t head = 0; head < h; head++) {
      for (int32_t j = 0; j <= m + i; j++) {
        const double *k = qkv + (int64_t)j * 3 * width + width;
        const double *far = position_keys + (int64_t)(m + i - j) * width;
        scores[j] = 0;
        for (int32_t n = head * a; n < (head + 1) * a; n++)
          scores[j] += (q[n] + (double)u[n]) * k[n] + (q[n] + (double)w[n]) * far[n];
        scores[j] /= sqrt(a);
      }
      softmax(scores, m + i + 1);
      for (int32_t n = head * a; n < (head + 1) * a; n++) {
        vector[n] = 0;
        for (int32_t j = 0; j <= m + i; j++)
          vector[n] += scores[j] * qkv[(int64_t)j * 3 * width + 2 * width + n];
      }
    }
    linear(out, data(self, layer, "dec_attn.o_net.weight"), NULL, vector, d, width);
    double *x_i = x + (int64_t)i * d;
    for (int32_t n = 0; n < d; n++) out[n] += x_i[n];
    memcpy(x_i, out, (size_t)d * sizeof *x_i);
    if (!c->pre_layer_norm) layer_norm(x_i, out, weight, bias, d);
  }
  free(source);
  free(qkv);
  free(r);
  free(position_keys);
  free(scores);
  free(vector);
  free(out);
}

/* The last rows of [old memory, x], no more than there is to be remembered. */
static void remember(reference *self, double *memory, const double *x, int32_t t, int32_t m) {
  const int32_t d = self->config.d_model, most = self->config.memory_length;
  for (int32_t row = 0; row < t; row++) {
    if (m == most && most > 0) memmove(memory, memory + d, (size_t)(--m) * (size_t)d * sizeof *memory);
    if (most > 0) memcpy(memory + (int64_t)m++ * d, x + (int64_t)row * d, (size_t)d * sizeof *memory);
  }
}

reference *reference_create(hr_model *model) {
  reference *self = calloc(1, sizeof *self);
  self->model = model;
  self->config = *hr_model_config(model);
  const hr_config *c = &self->config;
  const int64_t n = (int64_t)c->batch_size * c->context_length;
  const int64_t classes = c->kind == HR_LANGUAGE_MODEL ? c->vocab_size : c->classes;
  self->memory = zeros((int64_t)c->layers * c->batch_size * c->memory_length * c->d_model);
  self->logits = zeros(n * classes);
  self->router_logits = zeros(c->layers * n * c->experts);
  self->weights = zeros(c->layers * n * c->experts);
  self->experts = calloc((size_t)(c->layers * n * c->experts), sizeof *self->experts);
  return self;
}

void reference_destroy(reference *self) {
  free(self->memory);
  free(self->logits);
  free(self->router_logits);
  free(self->weights);
  free(self->experts);
  free(self);
}

void reference_reset_memory(reference *self) {
  self->memory_length = 0;
}

void reference_language(reference *self, const int32_t *tokens, int32_t batch, int32_t length) {
  self->tokens = tokens;
  const hr_config *c = &self->config;
  const int32_t d = c->d_model, n = batch * length, m = self->memory_length;
  const int64_t stream = (int64_t)c->memory_length * d;
  self->top_k = hr_model_top_k(self->model);
  self->batch = batch;
  self->length = length;
  double *x = zeros((int64_t)n * d), *inputs = zeros((int64_t)length * d);
  const hr_real *embedding = data(self, -1, "word_emb.emb_layers.0.weight");
  for (int32_t i = 0; i < n * d; i++) x[i] = (double)embedding[(int64_t)tokens[i / d] * d + i % d] * sqrt(d);
  for (int32_t layer = 0; layer < c->layers; layer++) {
    for (int32_t b = 0; b < batch; b++) {
      double *x_b = x + (int64_t)b * length * d;
      double *memory = self->memory + ((int64_t)layer * c->batch_size + b) * stream;
      memcpy(inputs, x_b, (size_t)length * (size_t)d * sizeof *inputs);
      attention(self, x_b, memory, layer, length, m);
      remember(self, memory, inputs, length, m);
    }
    feedforward(self, x, layer, n);
  }
  self->memory_length = m + length < c->memory_length ? m + length : c->memory_length;
  for (int32_t i = 0; i < n; i++)
    linear(self->logits + (int64_t)i * c->vocab_size, embedding, data(self, -1, "crit.out_layers.0.bias"),
           x + (int64_t)i * d, c->vocab_size, d);
  free(x);
  free(inputs);
}

void reference_classifier(reference *self, const hr_real *features, int32_t batch) {
  const hr_config *c = &self->config;
  const int32_t d = c->d_model, inputs = c->input_size;
  self->top_k = hr_model_top_k(self->model);
  self->batch = batch;
  self->length = 1;
  double *in = zeros(inputs), *x = zeros((int64_t)batch * d);
  for (int32_t n = 0; n < batch; n++) {
    for (int32_t i = 0; i < inputs; i++) in[i] = (double)features[(int64_t)n * inputs + i];
    linear(x + (int64_t)n * d, data(self, -1, "input.weight"), data(self, -1, "input.bias"), in, d, inputs);
  }
  for (int32_t layer = 0; layer < c->layers; layer++) feedforward(self, x, layer, batch);
  for (int32_t n = 0; n < batch; n++)
    linear(self->logits + (int64_t)n * c->classes, data(self, -1, "output.weight"),
           data(self, -1, "output.bias"), x + (int64_t)n * d, c->classes, d);
  free(in);
  free(x);
}

double reference_loss(const reference *self, const int32_t *targets) {
  const hr_config *c = &self->config;
  const int32_t n = self->batch * self->length;
  const int32_t v = c->kind == HR_LANGUAGE_MODEL ? c->vocab_size : c->classes;
  double loss = 0;
  for (int32_t i = 0; i < n; i++) {
    const double *logits = self->logits + (int64_t)i * v;
    double top = logits[0], sum = 0;
    for (int32_t j = 1; j < v; j++) top = fmax(top, logits[j]);
    for (int32_t j = 0; j < v; j++) sum += exp(logits[j] - top);
    loss += top + log(sum) - logits[targets[i]];
  }
  return loss / n;
}
