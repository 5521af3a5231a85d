/* Inside of a model. model.c holds what language models and classifiers have in common. */
#ifndef HR_MODEL_H
#define HR_MODEL_H

#include "attention.h"
#include "feedforward.h"
#include "loss.h"

typedef struct hr_layer {
  hr_attention attention; /* of a language model */
  hr_feedforward feedforward;
  hr_real *x;      /* [N,D] input of the layer */
  hr_real *middle; /* [N,D] between attention and feed-forward */
  hr_real *memory; /* [B,memory_length,D] inputs of earlier segments */
  hr_attention_cache cache;
} hr_layer;

/* The text that generation stands in. */
typedef struct hr_generation {
  int32_t stamp;
  int32_t length;   /* tokens in the caches */
  int32_t capacity; /* rows of the caches: what is remembered and a segment */
  int32_t last;     /* rows of the last segment, 0 if its logits were overwritten */
  int32_t last_token;
  int64_t version; /* of the parameters the caches were made with */
} hr_generation;

struct hr_model {
  hr_config config;
  uint64_t bytes[HR_MEMORY_KINDS];
  hr_parameters parameters;
  int64_t step;
  int32_t top_k;
  int64_t version;        /* of the parameters, counts changes */
  int64_t router_version; /* of the parameters that R and b were generated from */

  hr_parameter *embedding;                 /* [V,D] */
  hr_parameter *u_bias, *w_bias;           /* [H,A] */
  hr_parameter *input_weight, *input_bias; /* [D,I], [D] of a classifier */
  hr_layer *layers;
  hr_output output;

  int32_t *tokens, *targets; /* [N] for callers to fill */
  hr_real *features;         /* [N,I] for callers to fill */
  hr_real *positions;        /* [positions_count,D], row c is distance positions_count-1-c */
  hr_real *centred;          /* the same with cos - 1 instead of cos */
  hr_real *dropped;          /* [S,D] positions after dropout */
  int32_t positions_count;
  hr_real *last; /* [N,D] output of the last layer */
  int32_t rows;  /* N of the last call */

  int32_t memory_length, memory_batch; /* M and B that the memory holds now */
  hr_generation generation;
  int32_t *order;   /* [V] scratch of sampling */
  hr_real *chances; /* [V] scratch of sampling, or [N,C] probabilities of a classifier */

  hr_real *dx; /* [N,D] */
  hr_attention_scratch attention_scratch;
  hr_feedforward_scratch feedforward_scratch;
  hr_team *team;
  hr_real *matmul_scratch; /* of each thread */
  int64_t matmul_scratch_size;
};

/* A pass over `segment`; training turns dropout on. */
hr_pass hr_model_pass(const hr_model *model, hr_segment segment, bool training);

/* Makes R and b of every layer, if the parameters changed since. */
void hr_model_generate_routers(hr_model *model, const hr_pass *pass);

/* Keys and values that generation looks back on, at the most. */
int32_t hr_generation_window(const hr_config *config);

/* Language model: forward pass to the logits; targets play no part. Backward pass from the logits to
 * all gradients; returns the loss. */
void hr_language_forward(hr_model *model, const int32_t *tokens, const hr_pass *pass);
double hr_language_backward(hr_model *model, const int32_t *tokens, const int32_t *targets,
                            const hr_pass *pass);
/* Moves the memory on behind the segment of the last forward pass. */
void hr_language_remember(hr_model *model, const hr_pass *pass);

void hr_classifier_forward(hr_model *model, const hr_real *features, const hr_pass *pass);
double hr_classifier_backward(hr_model *model, const hr_real *features, const int32_t *targets,
                              const hr_pass *pass);

#endif
