/* The layers of a model in their order, with what they share: positions, Transformer-XL memory, caches of generation and
 * scratch. Every layer is a feed-forward sublayer, after a sublayer of attention where the network attends.
 * Source: MemTransformerLM in mem_transformer.py of the published code. */
#ifndef HR_NETWORK_H
#define HR_NETWORK_H

#include "attention.h"
#include "feedforward.h"

typedef struct hr_layer {
  bool attends; /* as the network does: all layers have attention, memory and caches, or none has */
  hr_attention attention;
  hr_feedforward feedforward;
  hr_real *x;             /* [N,D] input of the layer */
  hr_real *attention_out; /* [N,D] between attention and feed-forward */
  hr_real *memory;        /* [B,memory_length,D] inputs of earlier segments */
  hr_attention_cache cache;
} hr_layer;

typedef struct hr_network {
  int32_t count; /* L */
  int32_t d;
  bool attends;
  bool generates; /* there are caches for it */
  hr_layer *layers;
  hr_parameter *u_bias, *w_bias; /* [H,A] of attention, shared by all layers */
  hr_real *out;                  /* [N,D] */
  int64_t generated; /* version of the parameters that routers were generated from, see hr_network_generate */

  hr_real *positions; /* [positions_count,D], row c is distance positions_count-1-c */
  hr_real *centred;   /* the same with cos - 1 instead of cos */
  hr_real *dropped;   /* [S,D] positions after dropout */
  int32_t positions_count;

  int32_t memory_most;                 /* rows of memory for which there is room */
  int32_t memory_length, memory_batch; /* M and B that the memory holds now */

  int32_t cache_capacity; /* rows of the caches: what is remembered and a segment; 0 if there are none */
  int32_t cached;         /* tokens in the caches */

  hr_attention_scratch attention_scratch;
  hr_feedforward_scratch feedforward_scratch;
} hr_network;

/* Declares what all layers share, and then the layers: what a model declares between the two stands between them in the
 * published state_dict. */
void hr_network_declare_shared(hr_network *self, hr_parameters *parameters, const hr_config *config,
                               bool attends, bool generates);
void hr_network_declare_layers(hr_network *self, hr_parameters *parameters, const hr_config *config);
/* Takes the table of layers, which must be there before they are declared. */
void hr_network_plan_table(hr_network *self, hr_arena *arena, const hr_config *config);
void hr_network_plan(hr_network *self, hr_arena *arena, const hr_config *config);
void hr_network_plan_scratch(hr_network *self, hr_arena *arena, const hr_config *config);
/* Fills what no training changes. */
void hr_network_initialise(hr_network *self);

/* Keys and values that generation looks back on, at the most. */
int32_t hr_network_window(const hr_config *config);

/* Computes what is constant while the parameters are, unless that was done for this version of them. */
void hr_network_generate(hr_network *self, int64_t version, const hr_pass *pass);

/* self->out [N,D] from the input of the first layer, which the caller has filled. With pass->cached the one stream goes
 * on behind what is in the caches, and is added to them. */
void hr_network_forward(hr_network *self, const hr_pass *pass);

/* Replaces the gradient dx [N,D] of self->out by that of the input of the first layer. */
void hr_network_backward(hr_network *self, hr_real *dx, const hr_pass *pass);

/* Weighted auxiliary losses of the last backward pass, summed over the layers. */
double hr_network_auxiliary(const hr_network *self);

/* What changes outside the gradient after a training step. */
void hr_network_after_step(hr_network *self);
/* Share of the weights of the last forward pass that are zero, mean over the layers; see hr_moe_zeros. */
double hr_network_zeros(const hr_network *self);

/* Moves the memory on behind the segment of the last forward pass. */
void hr_network_remember(hr_network *self, const hr_segment *segment);

/* Empties the caches of generation, and projects the positions for them. */
void hr_network_begin_cache(hr_network *self, const hr_pass *pass);
/* Drops what is older than `window` tokens from the caches. */
void hr_network_trim_cache(hr_network *self, int32_t window);

/* The mixture of a layer; NULL if there is no such layer, or it is dense. */
const hr_moe *hr_network_moe(const hr_network *self, int32_t layer);
/* How alike the experts of such a layer are on the tokens of the last forward pass, see hr_experts_similarity. */
double hr_network_similarity(hr_network *self, int32_t layer, const hr_pass *pass);

#endif
