/* The life of a model as one number. */
#ifndef LIFE_H
#define LIFE_H

#include "hyperrouter.h"

/* Everything that a model can be asked for, with several sizes of batch and every K, digested to the last bit. Allocates
 * nothing, so that what is allocated meanwhile is the engine's doing. Models of up to 4096 tokens and features a call. */
uint64_t live(hr_model *model, int32_t steps);

#endif
