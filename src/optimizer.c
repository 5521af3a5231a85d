#include "optimizer.h"

#include "base/math.h"
#include "kernels/vector.h"

/* Parts that all parameters are cut into, whatever the number of threads, so that sums have one order. */
enum { PARTS = 16 };

typedef struct optimizer_task {
  hr_parameters *parameters;
  const hr_adam *body, *head;
  bool head_only;
  double squares[PARTS];
} optimizer_task;

/* First parameter of a part, a whole number of vectors from the first of all. */
static int32_t part_begin(const hr_parameters *parameters, int32_t part) {
  return (int32_t)(parameters->sizes[HR_TRAINED] * part / PARTS) / HR_LANES * HR_LANES;
}

static int32_t part_end(const hr_parameters *parameters, int32_t part) {
  return part + 1 == PARTS ? (int32_t)parameters->sizes[HR_TRAINED] : part_begin(parameters, part + 1);
}

static void square_part(void *context, int32_t part, int32_t thread) {
  optimizer_task *task = context;
  const int32_t begin = part_begin(task->parameters, part);
  (void)thread;
  task->squares[part] =
      hr_sum_of_squares(task->parameters->grad[HR_TRAINED] + begin, part_end(task->parameters, part) - begin);
}

double hr_gradient_norm(hr_parameters *parameters, hr_team *team) {
  optimizer_task task = {.parameters = parameters};
  hr_team_run(team, square_part, &task, PARTS);
  double sum = 0;
  for (int32_t part = 0; part < PARTS; part++) sum += task.squares[part];
  return hr_sqrt(sum);
}

static void update(hr_parameters *p, int32_t begin, int32_t end, const hr_adam *adam) {
  hr_adam_update(p->data[HR_TRAINED] + begin, p->m + begin, p->v + begin, p->grad[HR_TRAINED] + begin,
                 end - begin, adam);
}

static void update_part(void *context, int32_t part, int32_t thread) {
  const optimizer_task *task = context;
  hr_parameters *p = task->parameters;
  const int32_t begin = part_begin(p, part), end = part_end(p, part), body = (int32_t)p->body;
  /* Where the head begins in this part. */
  const int32_t head = body < begin ? begin : body < end ? body : end;
  (void)thread;
  if (head > begin && !task->head_only) update(p, begin, head, task->body);
  if (head < end) update(p, head, end, task->head);
}

/* base^exponent by squaring: the same on every machine. */
static double power(double base, int64_t exponent) {
  double result = 1;
  for (; exponent > 0; exponent >>= 1, base *= base) {
    if (exponent & 1) result *= base;
  }
  return result;
}

void hr_optimizer_step(hr_parameters *parameters, const hr_config *config, int64_t step,
                       const hr_rates *rates, double grad_norm, hr_team *team) {
  const double clip = rates->clip;
  /* 1e-6: as PyTorch. */
  double scale = clip > 0 && grad_norm > clip ? clip / (grad_norm + 1e-6) : 1;
  hr_adam body = {.rate = rates->body,
                  .beta1 = config->beta1,
                  .beta2 = config->beta2,
                  .epsilon = config->epsilon,
                  .decay = config->weight_decay,
                  .correction1 = 1 - power(config->beta1, step),
                  .correction2 = 1 - power(config->beta2, step),
                  .scale = scale};
  hr_adam head = body;
  head.rate = rates->head;
  optimizer_task task = {
      .parameters = parameters, .body = &body, .head = &head, .head_only = rates->head_only};
  hr_team_run(team, update_part, &task, PARTS);
}
