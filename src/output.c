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
  self->classes = config->vocab_size;
  self->weight = input;
  self->bias = hr_parameters_declare(parameters, -1, "crit.out_layers.0.bias", HR_INITIAL_ZERO, HR_TRAINED,
                                     self->classes, 0, 0);
}

static void declare_head(hr_output *self, hr_parameters *parameters, const hr_config *config,
                         hr_parameter *input) {
  (void)input;
  self->d = config->d_model;
  self->classes = config->classes;
  self->weight = hr_parameters_declare(parameters, -1, "output.weight", HR_INITIAL_SMALL, HR_TRAINED,
                                       self->classes, self->d, 0);
  self->bias =
      hr_parameters_declare(parameters, -1, "output.bias", HR_INITIAL_ZERO, HR_TRAINED, self->classes, 0, 0);
}

const hr_output_type hr_output_tied = {.before_layers = true, .declare = declare_tied};
const hr_output_type hr_output_head = {.probabilities = true, .declare = declare_head};

void hr_output_plan(hr_output *self, hr_arena *arena, int32_t n) {
  self->logits = hr_arena_reals(arena, HR_MEMORY_ACTIVATIONS, n, self->classes);
  if (self->type->probabilities)
    self->probabilities = hr_arena_reals(arena, HR_MEMORY_SCRATCH, n, self->classes);
  self->losses = hr_arena_take(arena, HR_MEMORY_SCRATCH, BLOCK, sizeof *self->losses);
  self->dlogits = hr_arena_reals(arena, HR_MEMORY_SCRATCH, n < BLOCK ? n : BLOCK, self->classes);
}

void hr_output_forward(hr_output *self, const hr_real *x, int32_t n, const hr_pass *pass) {
  const hr_linear map = hr_linear_of(self->weight, self->bias);
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

typedef struct loss_task {
  const hr_output *self;
  const int32_t *targets;
  int32_t begin, rows, n;
} loss_task;

/* dlogits = (softmax(logits) - onehot(target)) / n, and the losses, of some rows of a block. */
static void cross_entropy_part(void *context, int32_t part, int32_t thread) {
  const loss_task *task = context;
  const int32_t v = task->self->classes,
                end = (part + 1) * PART < task->rows ? (part + 1) * PART : task->rows;
  (void)thread;
  for (int32_t i = part * PART; i < end; i++) {
    hr_real *dlogits_i = task->self->dlogits + (ptrdiff_t)i * v;
    const hr_real *logits_i = task->self->logits + (ptrdiff_t)(task->begin + i) * v;
    const int32_t target = task->targets[task->begin + i];
    const hr_real sum = cross_entropy_row(dlogits_i, &task->self->losses[i], logits_i, target, v);
    hr_scale(dlogits_i, 1 / (sum * (hr_real)task->n), dlogits_i, v);
    dlogits_i[target] -= 1 / (hr_real)task->n;
  }
}

double hr_output_loss(hr_output *self, const int32_t *targets, int32_t n) {
  double total = 0;
  for (int32_t i = 0; i < n; i++) {
    double loss;
    cross_entropy_row(self->dlogits, &loss, self->logits + (ptrdiff_t)i * self->classes, targets[i],
                      self->classes);
    total += loss;
  }
  return total / n;
}

double hr_output_backward(hr_output *self, hr_real *dx, const hr_real *x, const int32_t *targets, int32_t n,
                          const hr_pass *pass) {
  const int32_t d = self->d;
  const hr_linear map = hr_linear_of(self->weight, self->bias);
  double total = 0;
  for (int32_t begin = 0; begin < n; begin += BLOCK) {
    const int32_t rows = n - begin < BLOCK ? n - begin : BLOCK;
    loss_task task = {.self = self, .targets = targets, .begin = begin, .rows = rows, .n = n};
    hr_team_run(pass->team, cross_entropy_part, &task, (rows + PART - 1) / PART);
    for (int32_t i = 0; i < rows; i++) total += self->losses[i];
    const hr_real *x_block = x + (ptrdiff_t)begin * d;
    hr_linear_backward_input(&map, dx + (ptrdiff_t)begin * d, self->dlogits, rows, HR_OVERWRITE, pass);
    hr_linear_backward_weights(&map, self->dlogits, x_block, rows, HR_ACCUMULATE, pass);
  }
  return total / n;
}
