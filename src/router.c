#include "router.h"

static const hr_router_type *const ROUTERS[] = {
    &hr_router_hyperrouter,
    &hr_router_smoe,
    &hr_router_smoe_dropout,
    &hr_router_dense,
};

enum { ROUTER_COUNT = sizeof ROUTERS / sizeof *ROUTERS };

/* Stands in the table so that a network without experts can be chosen wherever a router can. */
const hr_router_type hr_router_dense = {
    .option = {.name = "dense",
               .label = "Dense (no experts)",
               .summary = "No router: one feed-forward network of width dInner x experts takes every token."},
};

const hr_router_type *hr_router_at(int32_t index) {
  return index >= 0 && index < ROUTER_COUNT ? ROUTERS[index] : NULL;
}
