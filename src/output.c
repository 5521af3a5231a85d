#include "output.h"

#include "base/math.h"
#include "kernels/vector.h"
#include "linear.h"

/* Rows whose gradient of the logits exists at a time: it is never needed as a whole. */
enum { BLOCK = 128 };

/* Rows that one part of a task takes. */
enum { PART = 16 };

static void declare_tied(hr_output *self, hr_parameters *parameters, const hr_config *config,
                         hr_parameter *input) {
  self->d = config->d_model;
  self->columns = config->vocab_size;
  self->weight = input;
  self->bias = hr_parameters_declare(parameters, -1, "crit.out_layers.0.bias", HR_INITIAL_ZERO, HR_TRAINED,
                                     self->columns, 0, 0);
}

static void declare_matrix(hr_output *self, hr_parameters *parameters, int32_t d, int32_t columns,
                           const char *weight_name, const char *bias_name) {
  self->d = d;
  self->columns = columns;
  self->weight =
      hr_parameters_declare(parameters, -1, weight_name, HR_INITIAL_SMALL, HR_TRAINED, columns, d, 0);
  self->bias = hr_parameters_declare(parameters, -1, bias_name, HR_INITIAL_ZERO, HR_TRAINED, columns, 0, 0);
}

static void declare_classes(hr_output *self, hr_parameters *parameters, const hr_config *config,
                            hr_parameter *input) {
  (void)input;
  declare_matrix(self, parameters, config->d_model, config->classes, "output.weight", "output.bias");
}

static void declare_projected(hr_output *self, hr_parameters *parameters, const hr_config *config,
                              hr_parameter *input) {
  (void)input;
  hr_head_declare(&self->head, parameters, "project_head.0.weight", "project_head.0.bias", config->d_model);
  declare_matrix(self, parameters, config->d_model, config->classes, "project_head.3.weight",
                 "project_head.3.bias");
}

static void declare_numbers(hr_output *self, hr_parameters *parameters, const hr_config *config,
                            hr_parameter *input) {
  (void)input;
  declare_matrix(self, parameters, config->d_model, config->outputs, "output.weight", "output.bias");
}

const hr_output_type hr_output_tied = {.before_layers = true, .declare = declare_tied};
const hr_output_type hr_output_classes = {.classifies = true, .declare = declare_classes};
const hr_output_type hr_output_projected = {
    .classifies = true, .projects = true, .declare = declare_projected};
const hr_output_type hr_output_numbers = {.regresses = true, .declare = declare_numbers};

void hr_output_plan(hr_output *self, hr_arena *arena, int32_t n) {
  if (self->type->projects) hr_head_plan(&self->head, arena, n, self->d);
  self->logits = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, n, self->columns);
  if (self->type->classifies) {
    self->probabilities = hr_arena_reals(arena, HR_MEMORY_SCRATCH, n, self->columns);
    self->class_weights = hr_arena_reals(arena, HR_MEMORY_SCRATCH, self->columns, 1);
  }
  self->losses = hr_arena_take(arena, HR_MEMORY_SCRATCH, BLOCK, sizeof *self->losses);
  self->dlogits = hr_arena_reals(arena, HR_MEMORY_SCRATCH, n < BLOCK ? n : BLOCK, self->columns);
}

void hr_output_forward(hr_output *self, const hr_real *x, int32_t n, const hr_pass *pass) {
  const hr_linear map = hr_linear_of(self->weight, self->bias);
  if (self->type->projects) {
    hr_head_forward(&self->head, x, n, pass);
    x = self->head.rows;
  }
  hr_linear_forward(&map, self->logits, x, n, pass);
}

/* weights [V] = exp(logits - largest logit); returns their sum, and the loss of the row by the address. */
static hr_real cross_entropy_row(hr_real *weights, double *loss, const hr_real *logits, int32_t target,
                                 int32_t classes) {
  const hr_real top = hr_maximum(logits, classes);
  const hr_real sum = hr_exp_shifted(weights, logits, top, classes);
  /* hr_log knows only numbers: what is not one must not look like one. */
  const double log_sum = sum - sum == 0 ? hr_log((double)sum) : (double)(sum - sum);
  *loss = (double)top + log_sum - (double)logits[target];
  return sum;
}

static double squared_error_row(const hr_real *numbers, const hr_real *values, int32_t count) {
  double sum = 0;
  for (int32_t i = 0; i < count; i++) {
    const double error = (double)(numbers[i] - values[i]);
    sum += error * error;
  }
  return sum / count;
}

/* Weight of row i in the mean. */
static hr_real weight_of(const hr_output *self, const hr_targets *targets, int32_t i) {
  return self->weighted ? self->class_weights[targets->ids[i]] : 1;
}

static double total_weight(const hr_output *self, const hr_targets *targets, int32_t n) {
  if (!self->weighted) return n;
  double sum = 0;
  for (int32_t i = 0; i < n; i++) sum += (double)weight_of(self, targets, i);
  return sum;
}

typedef struct loss_task {
  const hr_output *self;
  const hr_targets *targets;
  int32_t begin, rows;
  hr_real total; /* weight of all rows */
} loss_task;

/* dlogits = w (softmax(logits) - onehot(target)) / total; returns the loss of row i. */
static double cross_entropy_backward(const loss_task *task, hr_real *dlogits, const hr_real *logits,
                                     int32_t i) {
  const int32_t v = task->self->columns, target = task->targets->ids[i];
  const hr_real weight = weight_of(task->self, task->targets, i);
  double loss;
  const hr_real sum = cross_entropy_row(dlogits, &loss, logits, target, v);
  hr_scale(dlogits, weight / (sum * task->total), dlogits, v);
  dlogits[target] -= weight / task->total;
  return loss;
}

/* dlogits = 2 (logits - values) / (V total); returns the loss of row i. */
static double squared_error_backward(const loss_task *task, hr_real *dlogits, const hr_real *logits,
                                     int32_t i) {
  const int32_t v = task->self->columns;
  const hr_real *values = task->targets->values + (ptrdiff_t)i * v;
  const hr_real scale = 2 / ((hr_real)v * task->total);
  for (int32_t j = 0; j < v; j++) dlogits[j] = scale * (logits[j] - values[j]);
  return squared_error_row(logits, values, v);
}

/* Gradients of the logits, and the losses, of some rows of a block. */
static void loss_part(void *context, int32_t part, int32_t thread) {
  const loss_task *task = context;
  const hr_output *self = task->self;
  const int32_t v = self->columns, end = (part + 1) * PART < task->rows ? (part + 1) * PART : task->rows;
  (void)thread;
  for (int32_t i = part * PART; i < end; i++) {
    hr_real *dlogits_i = self->dlogits + (ptrdiff_t)i * v;
    const hr_real *logits_i = self->logits + (ptrdiff_t)(task->begin + i) * v;
    self->losses[i] = self->type->regresses
                          ? squared_error_backward(task, dlogits_i, logits_i, task->begin + i)
                          : cross_entropy_backward(task, dlogits_i, logits_i, task->begin + i);
  }
}

double hr_output_loss(hr_output *self, const hr_targets *targets, int32_t n) {
  const int32_t v = self->columns;
  double total = 0;
  for (int32_t i = 0; i < n; i++) {
    const hr_real *logits_i = self->logits + (ptrdiff_t)i * v;
    double loss;
    if (self->type->regresses) {
      loss = squared_error_row(logits_i, targets->values + (ptrdiff_t)i * v, v);
    } else {
      cross_entropy_row(self->dlogits, &loss, logits_i, targets->ids[i], v);
    }
    total += (double)weight_of(self, targets, i) * loss;
  }
  return total / total_weight(self, targets, n);
}

double hr_output_backward(hr_output *self, hr_real *dx, const hr_real *x, const hr_targets *targets,
                          int32_t n, const hr_pass *pass) {
  const int32_t d = self->d;
  const bool projects = self->type->projects;
  const hr_linear map = hr_linear_of(self->weight, self->bias);
  const hr_real *rows_in = projects ? self->head.rows : x;
  hr_real *drows_in = projects ? self->head.drows : dx;
  const double weight = total_weight(self, targets, n);
  double total = 0;
  for (int32_t begin = 0; begin < n; begin += BLOCK) {
    const int32_t rows = n - begin < BLOCK ? n - begin : BLOCK;
    loss_task task = {
        .self = self, .targets = targets, .begin = begin, .rows = rows, .total = (hr_real)weight};
    hr_team_run(pass->team, loss_part, &task, (rows + PART - 1) / PART);
    for (int32_t i = 0; i < rows; i++) total += (double)weight_of(self, targets, begin + i) * self->losses[i];
    hr_linear_backward_input(&map, drows_in + (ptrdiff_t)begin * d, self->dlogits, rows, HR_OVERWRITE, pass);
    hr_linear_backward_weights(&map, self->dlogits, rows_in + (ptrdiff_t)begin * d, rows, HR_ACCUMULATE,
                               pass);
  }
  if (projects) hr_head_backward(&self->head, dx, x, n, pass);
  return total / weight;
}
