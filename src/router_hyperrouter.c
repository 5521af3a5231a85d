/* HyperRouter: a frozen random hypernetwork makes R and b from a small trained embedding v [1,D]:
 *
 *   h = relu(H1 v + a1) [Z],  o = H2 h + a2 [E, D+1],  row e of o is (R_e, b_e)
 *
 * Source: Do et al. 2023, section 3; HyperRouterGate in custom_gate.py of the published code. */
#include "router.h"
#include "kernels/vector.h"

enum { EMBEDDING, WEIGHT_1, BIAS_1, WEIGHT_2, BIAS_2 };

static void declare(hr_router *self, hr_parameters *parameters, int32_t layer) {
  const int32_t d = self->d_model, z = self->hyper_size, outputs = self->experts * (d + 1);
  hr_parameter **p = self->parameters;
  p[EMBEDDING] =
      hr_parameters_declare(parameters, layer, "pos_ff.gate.embedding", HR_INITIAL_UNIT, true, 1, d, 0);
  p[WEIGHT_1] = hr_parameters_declare(parameters, layer, "pos_ff.gate.hypernet.0.weight", HR_INITIAL_SMALL,
                                      false, z, d, 0);
  p[BIAS_1] = hr_parameters_declare(parameters, layer, "pos_ff.gate.hypernet.0.bias", HR_INITIAL_ZERO, false,
                                    z, 0, 0);
  p[WEIGHT_2] = hr_parameters_declare(parameters, layer, "pos_ff.gate.hypernet.2.weight", HR_INITIAL_SMALL,
                                      false, outputs, z, 0);
  p[BIAS_2] = hr_parameters_declare(parameters, layer, "pos_ff.gate.hypernet.2.bias", HR_INITIAL_ZERO, false,
                                    outputs, 0, 0);
}

static void plan(hr_router *self, hr_arena *arena) {
  const int32_t d = self->d_model, e = self->experts;
  self->hidden = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, self->hyper_size, 1);
  self->d_hidden = hr_arena_reals(arena, HR_MEMORY_SCRATCH, self->hyper_size, 1);
  self->output = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, e, d + 1);
  self->weight = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, e, d);
  self->bias = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, e, 1);
  self->weight_grad = hr_arena_reals(arena, HR_MEMORY_GRADIENTS, e, d);
  self->bias_grad = hr_arena_reals(arena, HR_MEMORY_GRADIENTS, e, 1);
}

static void generate(hr_router *self, const hr_pass *pass) {
  const int32_t d = self->d_model, e = self->experts, z = self->hyper_size, outputs = e * (d + 1);
  hr_parameter **p = self->parameters;
  hr_multiply(pass, self->hidden, z, hr_rows(p[EMBEDDING]->data, d), hr_columns(p[WEIGHT_1]->data, d), 1, z,
              d, HR_SET);
  hr_add_bias_relu(self->hidden, p[BIAS_1]->data, 1, z);
  hr_multiply(pass, self->output, outputs, hr_rows(self->hidden, z), hr_columns(p[WEIGHT_2]->data, z), 1,
              outputs, z, HR_SET);
  hr_add_bias(self->output, p[BIAS_2]->data, 1, outputs);
  for (int32_t i = 0; i < e; i++) {
    const hr_real *row = self->output + (ptrdiff_t)i * (d + 1);
    memcpy(self->weight + (ptrdiff_t)i * d, row, (size_t)d * sizeof(hr_real));
    self->bias[i] = row[d];
  }
}

static void backward(hr_router *self, const hr_pass *pass) {
  const int32_t d = self->d_model, e = self->experts, z = self->hyper_size, outputs = e * (d + 1);
  hr_parameter **p = self->parameters;
  hr_real *d_output = self->output;
  for (int32_t i = 0; i < e; i++) {
    hr_real *row = d_output + (ptrdiff_t)i * (d + 1);
    memcpy(row, self->weight_grad + (ptrdiff_t)i * d, (size_t)d * sizeof(hr_real));
    row[d] = self->bias_grad[i];
  }
  /* Taken over: the next pass finds zeros. */
  hr_fill(self->weight_grad, 0, e * d);
  hr_fill(self->bias_grad, 0, e);
  /* dh = relu'(h) H2^T do, dv = H1^T dh. Where the rectifier let through tells the hidden state itself, which is
   * therefore not overwritten: it serves until the next parameters come. */
  hr_real *d_hidden = self->d_hidden;
  hr_multiply(pass, d_hidden, z, hr_rows(d_output, outputs), hr_rows(p[WEIGHT_2]->data, z), 1, z, outputs,
              HR_SET);
  for (int32_t i = 0; i < z; i++) {
    if (!(self->hidden[i] > 0)) d_hidden[i] = 0;
  }
  hr_multiply(pass, p[EMBEDDING]->grad, d, hr_rows(d_hidden, z), hr_rows(p[WEIGHT_1]->data, d), 1, d, z,
              HR_ACCUMULATE);
}

const hr_router_type hr_router_hyperrouter = {
    .option = {.name = "hyperrouter",
               .label = "HyperRouter",
               .summary = "A frozen random hypernetwork generates the router from a small trained embedding.",
               .traits = HR_TRAIT_ROUTES | HR_TRAIT_LEARNS | HR_TRAIT_HYPERNETWORK},
    .declare = declare,
    .plan = plan,
    .generate = generate,
    .backward = backward,
};
