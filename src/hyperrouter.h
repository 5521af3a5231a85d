/*
 * hyperrouter: transformers, classifiers and regressors whose feed-forward layers are sparse mixtures of experts, with
 * the HyperRouter of Do et al., "HyperRouter: Towards Efficient Training and Inference of Sparse Mixture of
 * Experts" (EMNLP 2023, arXiv 2312.07035) beside the routers it is compared with.
 *
 * This header is the manual. Use:
 *
 *     hr_config config;
 *     hr_config_default(&config, HR_LANGUAGE_MODEL);
 *     config.vocab_size = 256;
 *     hr_model *model;
 *     if (hr_model_create(&model, &config, NULL) != HR_OK) ...
 *     hr_batch batch = {.tokens = ..., .targets = ..., .batch = 16, .length = 64};
 *     hr_model_train_step(model, &batch, 1e-3, 0.25, &result);
 *     hr_model_destroy(model);
 *
 * Nothing here aborts or prints: what can fail returns a status. A model takes its whole memory once, in
 * hr_model_create; no later call allocates. A model may be used by one thread at a time; models share nothing.
 *
 * Dimensions, one letter with one meaning everywhere in this source:
 *   B streams, T positions of a segment, N = B*T tokens, M tokens of memory, S = M+T, D model width,
 *   H heads, A width of a head, F hidden width of an expert, E experts, K experts per token, V vocabulary,
 *   L layers, C classes, I numbers of an input vector, Z hidden width of the hypernetwork.
 */
#ifndef HYPERROUTER_H
#define HYPERROUTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/real.h"
#include "base/team.h"

#define HR_VERSION "0.2.0"

typedef enum hr_status {
  HR_OK = 0,
  HR_ERROR_ARGUMENT, /* an argument is outside what the function's comment allows; nothing was changed */
  HR_ERROR_MEMORY,   /* the memory cannot be had; nothing was created */
  HR_ERROR_DIVERGED, /* the loss or the gradient is not finite, or a step would have to take a gradient above
                        HR_GRADIENT_MAX; parameters, moments, step, state and memory are unchanged */
} hr_status;

/* ---------------------------------------------------------------------------------------- configuration */

typedef enum hr_kind {
  HR_LANGUAGE_MODEL = 0,
  HR_CLASSIFIER,      /* of vectors */
  HR_TEXT_CLASSIFIER, /* of token sequences: the body of a language model without memory, read at the last token */
  HR_REGRESSOR,       /* of vectors to numbers */
  HR_KINDS
} hr_kind;

/* What each field means, its default and its limits: hr_config_field(). */
typedef struct hr_config {
  int32_t kind;
  int32_t vocab_size;
  int32_t input_size;
  int32_t classes;
  int32_t outputs;
  int32_t layers;
  int32_t heads;
  int32_t d_model;
  int32_t d_head;
  int32_t d_inner;
  int32_t experts;
  int32_t top_k;
  int32_t router; /* an option of the field `router` */
  int32_t hyper_size;
  int32_t context_length;
  int32_t memory_length;
  int32_t batch_size;
  int32_t pre_layer_norm;
  uint32_t seed;
  int32_t gate; /* an option of the field `gate` */
  int32_t router_size;
  int32_t shared_experts;
  int32_t router_noise;
  double dropout;
  double attention_dropout;
  double head_dropout;
  double load_balance_weight;
  double router_z_weight;
  double beta1;
  double beta2;
  double epsilon;
  double weight_decay;
  double capacity_factor;
  double balance_rate;
  double sparsity_weight;
  double router_scale;
  /* The tensors of a router whose R and b come from the caller; none for any other. They are read while a model is
   * created, not later. */
  const struct hr_router_tensor *router_tensors;
  int32_t router_tensor_count;
} hr_config;

enum { HR_ROUTER_TENSORS_MAX = 32, HR_ROUTER_TENSOR_NAME = 48 };
/* Numbers in a tensor of a custom router, at most. */
#define HR_ROUTER_TENSOR_SIZE_MAX (1 << 28)

/* A tensor that a custom router has in every layer. The model draws, trains, clips and saves it like its own. */
typedef struct hr_router_tensor {
  char name
      [HR_ROUTER_TENSOR_NAME]; /* letters, digits, `_` and `.`; the model puts `layers.<i>.pos_ff.gate.` before it */
  int32_t shape[3];            /* 0: no such dimension, but for the first */
  int32_t trained;             /* 0: frozen */
  double mean, deviation; /* of the normal distribution of its initial values */
} hr_router_tensor;

typedef enum hr_field_type { HR_INTEGER = 0, HR_NUMBER, HR_BOOLEAN, HR_CHOICE, HR_SEED } hr_field_type;

/* What an option of a choice does or takes: bits of hr_option.traits. */
typedef enum hr_trait {
  /* Of routers. */
  HR_TRAIT_ROUTES = 1 << 0,       /* tokens are routed to experts */
  HR_TRAIT_LEARNS = 1 << 1,       /* training changes the router logits of a given input */
  HR_TRAIT_HYPERNETWORK = 1 << 2, /* a frozen hypernetwork generates R and b */
  HR_TRAIT_MATRIX = 1 << 3,       /* logits are R x + b */
  HR_TRAIT_PROJECTION = 1 << 4,   /* logits are those of a projection of x */
  HR_TRAIT_SCALE = 1 << 5,        /* initial values that routerScale scales */
  HR_TRAIT_GATED = 1 << 6,        /* any gate can choose experts from the logits */
  /* Of gates. */
  HR_TRAIT_TOP_K = 1 << 7,    /* every token gets k experts */
  HR_TRAIT_VARIES = 1 << 8,   /* a token gets any number of experts, 0 to E */
  HR_TRAIT_SPARSITY = 1 << 9, /* how many experts there are per token is steered by a loss */
  HR_TRAIT_SIGMOID = 1 << 10, /* experts are scored by the logistic function, not by the softmax */
  /* Of routers again. */
  HR_TRAIT_TOKENS = 1 << 11,   /* needs token ids, which vectors do not have */
  HR_TRAIT_EXTERNAL = 1 << 12, /* R and b come from the caller */
  /* Of gates again. */
  HR_TRAIT_NORMALISED = 1 << 13,     /* the weights of a token sum to 1: with one expert it is always 1 */
  HR_TRAIT_PROBABILITIES = 1 << 14,  /* weights are those of a softmax over all experts */
  HR_TRAIT_DIFFERENTIABLE = 1 << 15, /* the gradient of the weights reaches the router logits */
  /* Experts choose among all tokens of a call. A token that is alone gets its k largest, with the same weights. */
  HR_TRAIT_AMONG_TOKENS = 1 << 16,
} hr_trait;

/* The name, in JavaScript and checkpoints, of the trait 1 << index; NULL if there is none. */
const char *hr_trait_name(int32_t index);

/* One option of a field that chooses. */
typedef struct hr_option {
  const char *name;  /* in configurations */
  const char *label; /* for people */
  const char *summary;
  int32_t traits; /* bit set of hr_trait */
  int32_t kinds;  /* bit set, 1 << hr_kind, of the only kinds of model that can have it; 0: all */
} hr_option;

/* One field of hr_config: the only place where its name, default and limits are declared. */
typedef struct hr_field {
  const char *name; /* as in JavaScript and in checkpoints: camelCase */
  const char *summary;
  int32_t type;   /* hr_field_type; integers, booleans and choices are int32, seeds uint32, numbers double */
  int32_t offset; /* in bytes, inside hr_config */
  int32_t kinds;  /* bit set: 1 << hr_kind */
  int32_t shapes; /* 1 if parameters have their shape or meaning by it: it stays as it is in a checkpoint */
  double initial; /* default */
  double minimum; /* inclusive */
  double maximum; /* inclusive, but for `open` */
  int32_t open;   /* 1: the maximum itself is not allowed */
  int32_t needs;  /* bit set of hr_trait: without these the field has no effect */
  int32_t strict; /* 1: without what it needs, it must keep its default */
  /* Of a choice, its options by index, and NULL beyond the last; NULL for other fields. */
  const hr_option *(*option)(int32_t index);
} hr_field;

int32_t hr_config_field_count(void);
/* NULL if the index is not 0 .. count-1. */
const hr_field *hr_config_field(int32_t index);

/* What is wrong with a configuration: the field, and the bounds that it must keep given the other fields. */
typedef struct hr_config_error {
  int32_t field; /* index for hr_config_field(), or -1 */
  int32_t rule;  /* hr_rule */
  double minimum;
  double maximum;
  int32_t choice; /* HR_RULE_NEEDS: index of the field whose chosen option lacks a trait; else -1 */
  int32_t trait;  /* HR_RULE_NEEDS: the trait */
} hr_config_error;

typedef enum hr_rule {
  HR_RULE_NONE = 0,
  HR_RULE_RANGE,   /* minimum .. maximum */
  HR_RULE_EVEN,    /* must be even */
  HR_RULE_NEEDS,   /* must keep its default, given what another field chooses */
  HR_RULE_KIND,    /* the option is not for this kind of model */
  HR_RULE_TENSORS, /* the router cannot have its tensor of the index `minimum`, or so many */
} hr_rule;

/* Gives the fields of other kinds of model their least values: they may hold anything, and must not reach a plan. */
void hr_config_normalise(hr_config *config);
/* Fills in every default. */
void hr_config_default(hr_config *config, hr_kind kind);
/* HR_ERROR_ARGUMENT, and the first thing that is wrong, if a field is out of bounds or does not fit the others.
 *   error  out, may be NULL */
hr_status hr_config_check(const hr_config *config, hr_config_error *error);

/* ------------------------------------------------------------------------------------------------ models */

typedef struct hr_model hr_model;

/* Creates a model with initial values drawn from config->seed.
 *   bytes  out, may be NULL: the memory of the model, also when it cannot be had
 * Errors: HR_ERROR_ARGUMENT (see hr_config_check), HR_ERROR_MEMORY. */
hr_status hr_model_create(hr_model **model, const hr_config *config, uint64_t *bytes);
/* The same for a model whose work a team of threads shares (base/team.h); the team must outlive it, and works for one
 * model at a time. What is computed is the same to the bit for any number of threads. */
hr_status hr_model_create_for_team(hr_model **model, const hr_config *config, hr_team *team, uint64_t *bytes);
/* The memory in bytes that a model of this configuration would take, for a team (NULL: one thread); 0 if the
 * configuration is refused. Allocates nothing. */
uint64_t hr_config_memory(const hr_config *config, hr_team *team);
/* NULL is allowed. */
void hr_model_destroy(hr_model *model);

const hr_config *hr_model_config(const hr_model *model);

typedef enum hr_memory_kind {
  HR_MEMORY_TABLES = 0,  /* the model's own records */
  HR_MEMORY_PARAMETERS,  /* every tensor, of all roles (hr_role) */
  HR_MEMORY_GRADIENTS,   /* of trained and external tensors, and of R and b that a router computes */
  HR_MEMORY_MOMENTS,     /* Adam's first and second moments */
  HR_MEMORY_ACTIVATIONS, /* what the forward pass keeps for the backward pass, inputs and logits included */
  HR_MEMORY_CONTEXT,     /* Transformer-XL memory and the cache of generation */
  HR_MEMORY_SCRATCH,
  HR_MEMORY_KINDS
} hr_memory_kind;

/* Bytes of one kind. */
uint64_t hr_model_bytes(const hr_model *model, hr_memory_kind kind);

/* Who changes a tensor. */
typedef enum hr_role {
  HR_TRAINED = 0, /* the optimizer */
  HR_FROZEN,      /* nobody: drawn once */
  HR_STATE,       /* the engine, after a training step and without a gradient; saved with the model */
  HR_EXTERNAL, /* the caller: R and b of a custom router, which are not saved; a gradient is computed for the caller */
  HR_ROLES
} hr_role;

/* One tensor of the model. Only trained and external ones have `grad`, only trained ones `m` and `v`; else these are
 * NULL. All pointers stay valid as long as the model. After writing to `data`, call hr_model_invalidate(). */
typedef struct hr_parameter {
  char name[72]; /* as in the state_dict of the published code */
  int32_t rank;
  int32_t shape[3];
  int32_t size;
  int32_t role;     /* hr_role */
  int32_t grad_set; /* 1: a backward pass overwrites the gradient; 0: it adds to it */
  hr_real *data;
  hr_real *grad;
  hr_real *m;
  hr_real *v;
  double mean, deviation; /* of the normal distribution of the initial values */
} hr_parameter;

/* Describes the tensor of an index as a model of this configuration would have it: all but its memory.
 * Errors: HR_ERROR_ARGUMENT if the configuration is refused, or there are not so many tensors. */
hr_status hr_config_parameter(const hr_config *config, int32_t index, hr_parameter *parameter);

int32_t hr_model_parameter_count(const hr_model *model);
hr_parameter *hr_model_parameter(hr_model *model, int32_t index);
/* Must be called after parameters were written to, before the model is used. */
void hr_model_invalidate(hr_model *model);

int64_t hr_model_step(const hr_model *model);
/* Sets the number of steps taken, which drives Adam's bias correction and the dropout masks. */
hr_status hr_model_set_step(hr_model *model, int64_t step);

int32_t hr_model_top_k(const hr_model *model);
/* Errors: HR_ERROR_ARGUMENT unless 1 <= top_k <= E. */
hr_status hr_model_set_top_k(hr_model *model, int32_t top_k);

/* The weight of the sparsity loss now: it changes after each training step. */
double hr_model_sparsity_weight(const hr_model *model);
/* Steps may raise or lower it without end; beyond these it stays. */
#define HR_SPARSITY_MAX 1e30
#define HR_SPARSITY_MIN 1e-30
/* Errors: HR_ERROR_ARGUMENT unless 0 <= weight <= HR_SPARSITY_MAX, or if it is not 0 and the model has no such loss. */
hr_status hr_model_set_sparsity_weight(hr_model *model, double weight);

/* What a call works on. A language model reads `tokens` [B,T], a classifier or regressor of vectors `features` [B,I]
 * with length 1. `targets` [B,T] are token ids, [B] class ids of classifiers; `values` [B,outputs] those of a regressor.
 * Targets are NULL only where a function says so.
 *
 * A text classifier reads `tokens` [N], one sequence after the other without padding: sequence b has lengths[b] of them,
 * 1 .. T, or T if `lengths` is NULL. For other models `lengths` must be NULL. */
typedef struct hr_batch {
  const int32_t *tokens;
  const int32_t *lengths;
  const hr_real *features;
  const int32_t *targets;
  const hr_real *values;
  int32_t batch;
  int32_t length;
  bool carry_memory; /* go on from the memory that the last call left; false starts from an empty one */
} hr_batch;

typedef struct hr_result {
  double loss;      /* mean cross-entropy, nats per token, or the mean squared error of a regressor */
  double auxiliary; /* load-balancing, z- and sparsity loss, weighted, summed over the layers */
  double grad_norm; /* global L2 norm of the gradient, before clipping */
} hr_result;

/* All four take batches of 1 <= batch <= batch_size and 1 <= length <= context_length; with carry_memory the
 * batch must be that of the last call. They leave logits and routing to read, and move the memory on.
 * Errors: HR_ERROR_ARGUMENT (sizes, ids out of range, features or values that are not finite), HR_ERROR_DIVERGED. */

/* Loss without gradient and without dropout. */
hr_status hr_model_evaluate(hr_model *model, const hr_batch *batch, hr_result *result);
/* Logits and routing only: targets may be NULL. Logits may be anything: without a loss nothing diverges. */
hr_status hr_model_predict(hr_model *model, const hr_batch *batch);
/* Fills every `grad`; takes no step. */
hr_status hr_model_gradients(hr_model *model, const hr_batch *batch, hr_result *result);
/* A step of this rate still leaves numbers; a larger one might not, and there would be no way back. */
#define HR_LEARNING_RATE_MAX 1e30

/* The square of a larger norm, of which Adam's second moment is a mean, might leave single precision. */
#define HR_GRADIENT_MAX 1e19

/* Gradient, clipping to the global norm `clip` (0: none), and a step of Adam. */
hr_status hr_model_train_step(hr_model *model, const hr_batch *batch, double learning_rate, double clip,
                              hr_result *result);

/* Weights and their sums must not leave single precision. */
#define HR_CLASS_WEIGHT_MIN ((hr_real)1e-20)
#define HR_CLASS_WEIGHT_MAX ((hr_real)1e20)

/* Weighs the classes in later losses: the mean over rows of w_target times their loss, over the sum of w_target.
 *   weights  [C] HR_CLASS_WEIGHT_MIN .. HR_CLASS_WEIGHT_MAX; NULL: each class weighs 1, as at first
 * Errors: HR_ERROR_ARGUMENT, also if the model is no classifier. */
hr_status hr_model_set_class_weights(hr_model *model, const hr_real *weights);

/* The head is what a classifier or regressor has behind its layers. Where it is trained alone, later passes take
 * gradients of the head only, those of the body are 0, and steps leave the body as it is, balance and sparsity included.
 * Errors: HR_ERROR_ARGUMENT if the model has no head (a language model, whose output is its embedding). */
hr_status hr_model_set_head_only(hr_model *model, bool head_only);
/* The learning rate of the head in later steps, 0 .. HR_LEARNING_RATE_MAX; below 0, as at first: that of the step.
 * Errors: HR_ERROR_ARGUMENT, also if the model has no head. */
hr_status hr_model_set_head_rate(hr_model *model, double learning_rate);

/* A custom router (HR_TRAIT_EXTERNAL) has R and b of each layer as tensors of the role HR_EXTERNAL, named
 * `layers.<i>.pos_ff.gate.generated.weight` [E,D] and `.bias` [E]. The caller fills them whenever parameters have changed
 * since, and takes gradients in two halves. In between it carries the gradient of R and b on to the tensors that it made
 * them of, adding to their `grad`. */

/* The first half: forward and backward pass; result has the loss and the auxiliary loss. */
hr_status hr_model_backward(hr_model *model, const hr_batch *batch, hr_result *result);
/* The second half of hr_model_gradients, or of hr_model_train_step, with the whole result.
 * Errors: HR_ERROR_ARGUMENT if no first half went before, or another pass came after it; HR_ERROR_DIVERGED. */
hr_status hr_model_finish_gradients(hr_model *model, hr_result *result);
hr_status hr_model_finish_step(hr_model *model, double learning_rate, double clip, hr_result *result);

/* Buffers inside the model for a batch of the largest size: a caller may fill these instead of its own. */
int32_t *hr_model_token_buffer(hr_model *model);
hr_real *hr_model_feature_buffer(hr_model *model);
int32_t *hr_model_length_buffer(hr_model *model);
int32_t *hr_model_target_buffer(hr_model *model);
hr_real *hr_model_value_buffer(hr_model *model);

/* Of the last call: [N,V], or [B,C] of classifiers, or the numbers [B,outputs] of a regressor, and how many rows. */
const hr_real *hr_model_logits(const hr_model *model, int32_t *rows);
/* V, C or outputs: the numbers in a row of logits. */
int32_t hr_model_columns(const hr_model *model);
/* Softmax of the logits of a classifier's last call; NULL for other models. */
const hr_real *hr_model_probabilities(hr_model *model, int32_t *rows);
/* Hidden states [N,D] of the last call: the input of layer 0 .. L-1, or, for L, the output of the last layer. NULL if
 * there is no such layer.
 *   tokens  out: N */
const hr_real *hr_model_hidden(const hr_model *model, int32_t layer, int32_t *tokens);

/* Routing of one layer in the last call. Pointers into the model, valid until the next call. */
typedef struct hr_routing {
  int32_t tokens;         /* N */
  int32_t top_k;          /* K; where the number of experts varies, the largest of this call */
  int32_t experts_count;  /* E */
  const int32_t *experts; /* [N,K] largest logit first, ties to the lower id; filled up with -1 */
  const hr_real *weights; /* [N,K] as the gate says; 0 where an assignment was dropped, or there is none */
  const hr_real *logits;  /* [N,E] */
  const int32_t *counts;  /* [E] assignments of each expert, with those that were dropped */
  double entropy; /* mean over tokens of -sum p ln p / ln E, p the softmax over all E logits; 0 if E = 1 */
  const int32_t *dropped; /* [E] assignments that exceeded the expert's capacity */
} hr_routing;

/* Errors: HR_ERROR_ARGUMENT if there is no such layer, or it has no router (dense). */
hr_status hr_model_routing(const hr_model *model, int32_t layer, hr_routing *routing);

/* Mean pairwise cosine between the outputs of a layer's experts on the tokens of the last call, each expert computing
 * all of them: 1 is collapse. Costs what a forward pass with K = E does.
 * Errors: HR_ERROR_ARGUMENT as hr_model_routing. */
hr_status hr_model_expert_similarity(hr_model *model, int32_t layer, double *similarity);

/* ------------------------------------------------------------------------------------ Transformer-XL memory */

void hr_model_reset_memory(hr_model *model);
/* Rows now held (M) and streams; the memory of a layer lies in [batch_size, memory_length, D], of which
 * [streams, M, D] are in use. */
int32_t hr_model_memory_length(const hr_model *model);
int32_t hr_model_memory_batch(const hr_model *model);
hr_real *hr_model_memory(hr_model *model, int32_t layer);
/* After writing to hr_model_memory(). Errors: HR_ERROR_ARGUMENT if either is more than was planned. */
hr_status hr_model_set_memory(hr_model *model, int32_t length, int32_t batch);

/* -------------------------------------------------------------------------------------------- generation */

/* Generation has one stream and a memory of its own: the keys and values of the last
 * max(memory_length, context_length - 1) tokens. */

/* Empties that memory. The session says whose text it holds; a caller that finds another session than its own, or
 * hr_generation_stale(), must begin again with the text it still remembers.
 * Errors: HR_ERROR_ARGUMENT (a classifier). */
hr_status hr_generation_begin(hr_model *model, int32_t session);
int32_t hr_generation_session(const hr_model *model);
/* Whether the memory was not begun yet, or parameters or K changed since. */
bool hr_generation_stale(const hr_model *model);
int32_t hr_generation_capacity(const hr_model *model);
/* Reads 1 <= count <= context_length tokens. Logits and routing of all of them can be read afterwards.
 * Errors: HR_ERROR_ARGUMENT (count or ids out of range, a classifier, a memory that was not begun or is stale). */
hr_status hr_generation_feed(hr_model *model, const int32_t *tokens, int32_t count);

/* How a token is drawn: from softmax(logits / temperature), cut to the most likely tokens. */
typedef struct hr_sampling {
  double temperature; /* at least 0; 0 takes the largest logit, ties to the lower id */
  double top_p;       /* above 0, at most 1: the smallest set of tokens whose probabilities reach this share
                              * (nucleus sampling, Holtzman et al. 2020) of those of the top_tokens */
  int32_t top_tokens; /* 1 to V: only so many tokens (top-k sampling, Fan et al. 2018) */
  /* Logits of the tokens `repeated` are divided by it if positive, multiplied if negative (Keskar et al. 2019). */
  double repetition_penalty;
  const int32_t *repeated; /* [repeated_count] ids */
  int32_t repeated_count;
} hr_sampling;

#define HR_REPETITION_PENALTY_MIN 1e-3
#define HR_REPETITION_PENALTY_MAX 1e3

/* Draws a token from the logits of the last one fed.
 *   state  in/out: of the random numbers; start with the seed
 * Errors: HR_ERROR_ARGUMENT if an option or an id is out of range, nothing was fed, or the memory is stale. */
hr_status hr_generation_sample(hr_model *model, const hr_sampling *sampling, uint64_t *state, int32_t *token);
/* [V] for a caller to put `repeated` in; drawing overwrites it. NULL for a classifier. */
int32_t *hr_generation_repeated_buffer(hr_model *model);
/* softmax(logits) [V] of the last token fed, until the next call; NULL if nothing was fed, or the memory is stale. */
const hr_real *hr_generation_probabilities(hr_model *model);

#endif
