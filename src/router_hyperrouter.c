/* HyperRouter: a frozen random hypernetwork makes R and b from a small trained embedding v [1,D]:
 *
 *   h = relu(H1 v + a1) [Z],  o = H2 h + a2 [E, D+1],  row e of o is (R_e, b_e)
 *
 * Source: Do et al. 2023, section 3; HyperRouterGate in custom_gate.py of the published code. */
#include "router.h"
#include "kernels/vector.h"
#include "linear.h"

enum { EMBEDDING, WEIGHT_1, BIAS_1, WEIGHT_2, BIAS_2 };

/* Hidden layer [Z] and its gradient; output [E, D+1], or its gradient. */
enum { HIDDEN, D_HIDDEN, OUTPUT };

static void declare(hr_router *self, hr_parameters *parameters, int32_t layer) {
  const int32_t d = self->d_model, z = self->hyper_size, outputs = self->experts * (d + 1);
  hr_parameter **p = self->parameters;
  p[EMBEDDING] =
      hr_parameters_declare(parameters, layer, "pos_ff.gate.embedding", HR_INITIAL_UNIT, HR_TRAINED, 1, d, 0);
  p[WEIGHT_1] = hr_parameters_declare(parameters, layer, "pos_ff.gate.hypernet.0.weight", HR_INITIAL_SMALL,
                                      HR_FROZEN, z, d, 0);
  p[BIAS_1] = hr_parameters_declare(parameters, layer, "pos_ff.gate.hypernet.0.bias", HR_INITIAL_ZERO,
                                    HR_FROZEN, z, 0, 0);
  p[WEIGHT_2] = hr_parameters_declare(parameters, layer, "pos_ff.gate.hypernet.2.weight", HR_INITIAL_SMALL,
                                      HR_FROZEN, outputs, z, 0);
  p[BIAS_2] = hr_parameters_declare(parameters, layer, "pos_ff.gate.hypernet.2.bias", HR_INITIAL_ZERO,
                                    HR_FROZEN, outputs, 0, 0);
  hr_parameters_scale(p[WEIGHT_2], self->scale);
}

static void plan(hr_router *self, hr_arena *arena, int32_t n) {
  const int32_t d = self->d_model, e = self->experts;
  (void)n;
  self->buffers[HIDDEN] = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, self->hyper_size, 1);
  self->buffers[D_HIDDEN] = hr_arena_reals(arena, HR_MEMORY_SCRATCH, self->hyper_size, 1);
  self->buffers[OUTPUT] = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, e, d + 1);
  self->weight = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, e, d);
  self->bias = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, e, 1);
  self->weight_grad = hr_arena_reals(arena, HR_MEMORY_GRADIENTS, e, d);
  self->bias_grad = hr_arena_reals(arena, HR_MEMORY_GRADIENTS, e, 1);
}

static hr_linear first_map(const hr_router *self) {
  return hr_linear_of(self->parameters[WEIGHT_1], self->parameters[BIAS_1]);
}

static hr_linear second_map(const hr_router *self) {
  return hr_linear_of(self->parameters[WEIGHT_2], self->parameters[BIAS_2]);
}

static void generate(hr_router *self, const hr_pass *pass) {
  const int32_t d = self->d_model;
  const hr_linear first = first_map(self), second = second_map(self);
  hr_linear_relu(&first, self->buffers[HIDDEN], self->parameters[EMBEDDING]->data, 1, pass);
  hr_linear_forward(&second, self->buffers[OUTPUT], self->buffers[HIDDEN], 1, pass);
  for (int32_t i = 0; i < self->experts; i++) {
    const hr_real *row = self->buffers[OUTPUT] + (ptrdiff_t)i * (d + 1);
    memcpy(self->weight + (ptrdiff_t)i * d, row, (size_t)d * sizeof(hr_real));
    self->bias[i] = row[d];
  }
}

/* Takes the gradient of R and b on to v: dh = relu'(h) H2^T do, dv = H1^T dh. */
static void backward(hr_router *self, hr_real *dx, const hr_real *dlogits, const hr_real *x, int32_t n,
                     const hr_pass *pass) {
  const int32_t d = self->d_model, e = self->experts;
  const hr_linear first = first_map(self), second = second_map(self);
  hr_real *d_output = self->buffers[OUTPUT], *d_hidden = self->buffers[D_HIDDEN];
  hr_router_linear_backward(self, dx, dlogits, x, n, pass);
  for (int32_t i = 0; i < e; i++) {
    hr_real *row = d_output + (ptrdiff_t)i * (d + 1);
    memcpy(row, self->weight_grad + (ptrdiff_t)i * d, (size_t)d * sizeof(hr_real));
    row[d] = self->bias_grad[i];
  }
  /* Taken over: the next pass finds zeros. */
  hr_fill(self->weight_grad, 0, e * d);
  hr_fill(self->bias_grad, 0, e);
  hr_linear_backward_input(&second, d_hidden, d_output, 1, HR_OVERWRITE, pass);
  /* Where the rectifier let through tells the hidden state itself, which is therefore not overwritten: it serves until
   * the next parameters come. */
  for (int32_t i = 0; i < self->hyper_size; i++) {
    if (!(self->buffers[HIDDEN][i] > 0)) d_hidden[i] = 0;
  }
  hr_linear_backward_input(&first, self->parameters[EMBEDDING]->grad, d_hidden, 1, HR_ACCUMULATE, pass);
}

const hr_router_type hr_router_hyperrouter = {
    .option = {.name = "hyperrouter",
               .label = "HyperRouter",
               .summary = "A frozen random hypernetwork generates the router from a small trained embedding.",
               .traits = HR_TRAIT_ROUTES | HR_TRAIT_LEARNS | HR_TRAIT_HYPERNETWORK | HR_TRAIT_MATRIX |
                         HR_TRAIT_SCALE | HR_TRAIT_GATED},
    .declare = declare,
    .plan = plan,
    .generate = generate,
    .forward = hr_router_linear_forward,
    .backward = backward,
};
