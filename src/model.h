/* Inside of a model: input -> network -> pool -> output, with its parameters and the optimizer's state. */
#ifndef HR_MODEL_H
#define HR_MODEL_H

#include "input.h"
#include "network.h"
#include "output.h"
#include "pool.h"
#include "sampling.h"

/* What a kind of model is made of. */
typedef struct hr_kind_type {
  const hr_input_type *input;
  const hr_output_type *output;
  bool attends; /* attention in every layer, with positions and Transformer-XL memory */
  /* The last token of a stream stands for all of it, and streams may differ in length; else every token has an output. */
  bool pools_last;
  bool generates; /* its outputs are tokens that it can read again */
} hr_kind_type;

/* The text that generation stands in. */
typedef struct hr_generation {
  int32_t session;
  int32_t last; /* rows of the last segment, 0 if its logits were overwritten */
  int32_t last_token;
  int64_t version; /* of the parameters the caches were made with */
  hr_sampler sampler;
} hr_generation;

struct hr_model {
  hr_config config;
  const hr_kind_type *type;
  uint64_t bytes[HR_MEMORY_KINDS];
  hr_parameters parameters;
  int64_t step;
  int32_t top_k;
  int64_t version;        /* of the parameters, counts changes */
  double sparsity_weight; /* now */

  hr_input input;
  hr_network network;
  hr_pool pool;
  hr_output output;
  /* For callers to fill. */
  int32_t *lengths; /* [B] */
  int32_t *targets; /* [N] */
  hr_real *values;  /* [N,outputs] */
  int32_t *starts;  /* [B+1] of the streams of the last call, where they may differ in length */
  int32_t tokens;   /* of the last call */
  int32_t rows;     /* of its output */
  bool head_only;   /* the body is not trained */
  double head_rate; /* below 0: the rate of the step */
  hr_real *dx;      /* [N,D] scratch of the backward pass */
  hr_generation generation;

  /* Gradients are being taken in two halves: what the second needs of the first. */
  bool half_done;
  hr_segment segment;
  hr_result result;

  hr_team *team;
  hr_real *matmul_scratch; /* of each thread */
  int64_t matmul_scratch_size;
};

/* A pass over `segment`; training turns dropout and noise on. tokens: its ids, where the input has such. */
hr_pass hr_model_pass(const hr_model *model, hr_segment segment, bool training, const int32_t *tokens);

/* From the batch to the logits; targets play no part. */
void hr_model_forward(hr_model *model, const hr_batch *batch, const hr_pass *pass);

#endif
