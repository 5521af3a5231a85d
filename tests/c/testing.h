/* What the tests share: checks that say what came and what was expected and then go on, random numbers of their own,
 * memory in which the sanitizer sees every step over the edge, and small models. */
#ifndef TESTING_H
#define TESTING_H

#include <stdbool.h>
#include <stdint.h>

#include "hyperrouter.h"

/* Each counts one check. The first failures are printed, with the context that was set last. */
#define CHECK(condition) test_check((condition), __FILE__, __LINE__, "%s", #condition)
#define CHECK_THAT(condition, ...) test_check((condition), __FILE__, __LINE__, __VA_ARGS__)
#define CHECK_INT(got, expected) test_check_int((int64_t)(got), (int64_t)(expected), #got, __FILE__, __LINE__)
/* |got - expected| <= tolerance; NaN fails. */
#define CHECK_NEAR(got, expected, tolerance)                                                                 \
  test_check_near((double)(got), (double)(expected), (double)(tolerance), #got, __FILE__, __LINE__)
#define CHECK_OK(call) test_check_int((int64_t)(call), HR_OK, #call, __FILE__, __LINE__)
#define CHECK_REFUSED(call) test_check_int((int64_t)(call), HR_ERROR_ARGUMENT, #call, __FILE__, __LINE__)

void test_check(bool ok, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void test_check_int(int64_t got, int64_t expected, const char *what, const char *file, int line);
void test_check_near(double got, double expected, double tolerance, const char *what, const char *file,
                     int line);
void test_context(const char *format, ...) __attribute__((format(printf, 1, 2)));
int64_t test_failures(void);
/* Prints the counts; what main returns. */
int test_report(const char *name);

/* Random numbers that owe nothing to the engine's (xorshift64*). */
void random_seed(uint64_t seed);
double random_uniform(void);
double random_normal(void);
/* 0 .. limit-1 */
int32_t random_below(int32_t limit);
void random_tokens(int32_t *tokens, int32_t n, int32_t vocab_size);

/* Exactly n numbers, so that the sanitizer sees a read or a write past them. To be freed. */
hr_real *new_reals(int64_t n);
int32_t *new_ints(int64_t n);
/* The same, filled with N(0, deviation^2). */
hr_real *new_normal(int64_t n, double deviation);

/* The largest |a - b|; NaN if there is one. */
double largest_difference(const hr_real *a, const hr_real *b, int64_t n);
double largest(const hr_real *a, int64_t n);
bool same_bits(const hr_real *a, const hr_real *b, int64_t n);

/* Small models with odd sizes. With the router "custom" they have a trained tensor `u` [4,3] and a frozen one. */
hr_config small_language_model(int32_t router, bool pre_layer_norm);
hr_config small_classifier(int32_t router);
hr_config small_text_classifier(int32_t router, bool pre_layer_norm);
hr_config small_regressor(int32_t router);
/* Whether a kind of model reads token ids; else vectors. */
bool reads_tokens(int32_t kind);
/* The options of the field `router`. */
int32_t router_count(void);
const hr_option *router_option(int32_t router);
const char *router_name(int32_t router);
bool router_routes(int32_t router);
int32_t router_named(const char *name);
/* Whether a kind of model can have the router. */
bool router_fits(int32_t router, hr_kind kind);
/* The options of the field `gate`. */
int32_t gate_count(void);
const char *gate_name(int32_t gate);
int32_t gate_named(const char *name);

/* Ends the test if the model cannot be created. */
hr_model *new_model(const hr_config *config);
/* NULL if there is none. */
hr_parameter *find_parameter(hr_model *model, const char *name);
/* Gives every tensor, frozen ones too, values large enough that every term of the model weighs in its result. */
void randomise_parameters(hr_model *model, uint64_t seed);
void randomise_tensor(hr_parameter *parameter);
/* Draws from all tokens, without a penalty. */
hr_status draw_token(hr_model *model, double temperature, double top_p, uint64_t *random, int32_t *token);
/* Of all that a refused or failed call must leave alone: parameters, moments, step, K and memory. */
uint64_t fingerprint(hr_model *model);

/* Random tokens, targets and features: a batch of a model's largest size, with its memory carried on. Sequences of a
 * text classifier have different lengths. */
typedef struct sample {
  hr_batch batch;
  int32_t *tokens, *lengths, *targets;
  hr_real *features, *values;
} sample;

sample new_sample(hr_model *model, uint64_t seed);
void free_sample(sample *self);
/* Steps from .. to-1, each with a sample of its own. */
void train_steps(hr_model *model, int32_t from, int32_t to);

#endif
