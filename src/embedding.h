/* Token embedding: x = W[token] sqrt(D), then dropout.
 * Source: AdaptiveEmbedding in mem_transformer.py of the published code. */
#ifndef HR_EMBEDDING_H
#define HR_EMBEDDING_H

#include "parameters.h"
#include "pass.h"

/* x [N,D] out; weight [V,D], tokens [N] in */
void hr_embedding_forward(hr_real *x, const hr_parameter *weight, const int32_t *tokens, int32_t d,
                          const hr_pass *pass);

/* weight->grad += ...; dx [N,D] is overwritten */
void hr_embedding_backward(hr_parameter *weight, hr_real *dx, const int32_t *tokens, int32_t d,
                           const hr_pass *pass);

#endif
