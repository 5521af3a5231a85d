/* The cosine router: tokens and experts are compared by angle, in a space of few dimensions, which keeps tokens from
 * being pulled into the span of the rows of R.
 *
 *   z = P x + c [Z],  g_e = cos(z, S_e) exp(min(t, ln 100)),  S_e column e of S [Z,E]
 *
 * Here Z is routerSize. Source: Chi et al. 2022, "On the Representation Collapse of Sparse Mixture of Experts" (X-MoE),
 * section 4; gates/cosine_top.py in microsoft/tutel. */
#include "base/math.h"
#include "kernels/vector.h"
#include "linear.h"
#include "router.h"

enum { PROJECTOR, PROJECTOR_BIAS, SIMILARITY, TEMPERATURE };

/* Directions of the experts [E,Z] and of the tokens [N,Z], with one over the length of each: [E], [N]; and gradients of the
 * directions [N,Z] and [E,Z]. */
enum { EXPERTS, EXPERT_LENGTHS, TOKENS, TOKEN_LENGTHS, D_TOKENS, D_EXPERTS };

static const double LN_100 = 4.60517018598809136804;

static void declare(hr_router *self, hr_parameters *parameters, int32_t layer) {
  const int32_t d = self->d_model, e = self->experts, z = self->router_size;
  hr_parameter **p = self->parameters;
  p[PROJECTOR] = hr_parameters_declare(parameters, layer, "pos_ff.gate.cosine_projector.weight",
                                       HR_INITIAL_SMALL, HR_TRAINED, z, d, 0);
  p[PROJECTOR_BIAS] = hr_parameters_declare(parameters, layer, "pos_ff.gate.cosine_projector.bias",
                                            HR_INITIAL_ZERO, HR_TRAINED, z, 0, 0);
  p[SIMILARITY] = hr_parameters_declare(parameters, layer, "pos_ff.gate.sim_matrix", HR_INITIAL_SMALL,
                                        HR_TRAINED, z, e, 0);
  p[TEMPERATURE] = hr_parameters_declare(parameters, layer, "pos_ff.gate.temperature", HR_INITIAL_LN_2,
                                         HR_TRAINED, 1, 0, 0);
  hr_parameters_scale(p[SIMILARITY], self->scale);
}

static void plan(hr_router *self, hr_arena *arena, int32_t n) {
  const int32_t e = self->experts, z = self->router_size;
  hr_real **b = self->buffers;
  b[EXPERTS] = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, e, z);
  b[EXPERT_LENGTHS] = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, e, 1);
  b[TOKENS] = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, n, z);
  b[TOKEN_LENGTHS] = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, n, 1);
  b[D_TOKENS] = hr_arena_reals(arena, HR_MEMORY_SCRATCH, n, z);
  b[D_EXPERTS] = hr_arena_reals(arena, HR_MEMORY_SCRATCH, e, z);
}

static hr_linear projector(const hr_router *self) {
  return hr_linear_of(self->parameters[PROJECTOR], self->parameters[PROJECTOR_BIAS]);
}

/* The experts' directions as a linear map from [Z] to [E]. */
static hr_linear comparison(const hr_router *self) {
  return (hr_linear){.inputs = self->router_size,
                     .outputs = self->experts,
                     .stride = self->experts,
                     .weight = self->buffers[EXPERTS],
                     .weight_grad = self->buffers[D_EXPERTS]};
}

static hr_real temperature(const hr_router *self) {
  const double t = (double)self->parameters[TEMPERATURE]->data[0];
  return (hr_real)hr_exp(t > LN_100 ? LN_100 : t);
}

/* x [n] becomes x / |x|; returns 1 / |x|. What has no length stays 0. */
static hr_real direct(hr_real *x, int32_t n) {
  const double square = (double)hr_dot(x, x, n);
  const hr_real scale = (hr_real)(1 / (square > 1e-24 ? hr_sqrt(square) : square != square ? square : 1e-12));
  hr_scale(x, scale, x, n);
  return scale;
}

/* The gradient du [n] of a direction u = x / |x| becomes that of x: (du - u (u . du)) / |x|. */
static void direct_backward(hr_real *du, const hr_real *u, hr_real scale, int32_t n) {
  const hr_real along = hr_dot(u, du, n);
  for (int32_t i = 0; i < n; i++) du[i] = scale * (du[i] - u[i] * along);
}

static void generate(hr_router *self, const hr_pass *pass) {
  const int32_t e = self->experts, z = self->router_size;
  const hr_real *similarity = self->parameters[SIMILARITY]->data;
  (void)pass;
  for (int32_t id = 0; id < e; id++) {
    hr_real *row = self->buffers[EXPERTS] + (ptrdiff_t)id * z;
    for (int32_t i = 0; i < z; i++) row[i] = similarity[(ptrdiff_t)i * e + id];
    self->buffers[EXPERT_LENGTHS][id] = direct(row, z);
  }
}

static void forward(const hr_router *self, hr_real *logits, const hr_real *x, int32_t n,
                    const hr_pass *pass) {
  const int32_t z = self->router_size;
  const hr_linear project = projector(self), compare = comparison(self);
  hr_real *tokens = self->buffers[TOKENS];
  hr_linear_forward(&project, tokens, x, n, pass);
  for (int32_t i = 0; i < n; i++) self->buffers[TOKEN_LENGTHS][i] = direct(tokens + (ptrdiff_t)i * z, z);
  hr_linear_forward(&compare, logits, tokens, n, pass);
  hr_scale(logits, temperature(self), logits, n * self->experts);
}

static void backward(hr_router *self, hr_real *dx, const hr_real *dlogits, const hr_real *x, int32_t n,
                     const hr_pass *pass) {
  const int32_t e = self->experts, z = self->router_size;
  const hr_linear project = projector(self), compare = comparison(self);
  const hr_real scale = temperature(self);
  hr_real **b = self->buffers;
  hr_linear_backward_input(&compare, b[D_TOKENS], dlogits, n, HR_OVERWRITE, pass);
  hr_linear_backward_weights(&compare, dlogits, b[TOKENS], n, HR_OVERWRITE, pass);

  /* dlogits . logits: the direction of expert e meets its own gradient there. */
  hr_real along = 0;
  for (int32_t id = 0; id < e; id++)
    along += hr_dot(b[D_EXPERTS] + (ptrdiff_t)id * z, b[EXPERTS] + (ptrdiff_t)id * z, z);
  if ((double)self->parameters[TEMPERATURE]->data[0] <= LN_100)
    self->parameters[TEMPERATURE]->grad[0] += scale * along;

  hr_scale(b[D_TOKENS], scale, b[D_TOKENS], n * z);
  for (int32_t i = 0; i < n; i++) {
    direct_backward(b[D_TOKENS] + (ptrdiff_t)i * z, b[TOKENS] + (ptrdiff_t)i * z, b[TOKEN_LENGTHS][i], z);
  }
  hr_linear_backward_weights(&project, b[D_TOKENS], x, n, HR_ACCUMULATE, pass);
  hr_linear_backward_input(&project, dx, b[D_TOKENS], n, HR_ACCUMULATE, pass);

  hr_real *gradient = self->parameters[SIMILARITY]->grad;
  for (int32_t id = 0; id < e; id++) {
    hr_real *row = b[D_EXPERTS] + (ptrdiff_t)id * z;
    hr_scale(row, scale, row, z);
    direct_backward(row, b[EXPERTS] + (ptrdiff_t)id * z, b[EXPERT_LENGTHS][id], z);
    for (int32_t i = 0; i < z; i++) gradient[(ptrdiff_t)i * e + id] += row[i];
  }
}

const hr_router_type hr_router_cosine = {
    .option = {.name = "cosine",
               .label = "Cosine (X-MoE)",
               .summary = "Tokens and experts are compared by their angle, in a space of few dimensions.",
               .traits =
                   HR_TRAIT_ROUTES | HR_TRAIT_LEARNS | HR_TRAIT_PROJECTION | HR_TRAIT_SCALE | HR_TRAIT_GATED},
    .declare = declare,
    .plan = plan,
    .generate = generate,
    .forward = forward,
    .backward = backward,
};
