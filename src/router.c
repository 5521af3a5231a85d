#include "router.h"

static const hr_router_type *const ROUTERS[] = {
    &hr_router_hyperrouter,
    &hr_router_smoe,
    &hr_router_smoe_dropout,
    &hr_router_dense,
};

enum { ROUTER_COUNT = sizeof ROUTERS / sizeof *ROUTERS };

/* Stands in the table so that a dense network can be chosen wherever a router can. */
const hr_router_type hr_router_dense = {
    .name = "dense",
    .summary = "No router: one feed-forward network of width dInner x experts takes every token.",
};

const hr_router_type *hr_router_at(int32_t index) {
  return index >= 0 && index < ROUTER_COUNT ? ROUTERS[index] : NULL;
}

int32_t hr_router_count(void) {
  return ROUTER_COUNT;
}

const char *hr_router_name(int32_t router) {
  const hr_router_type *type = hr_router_at(router);
  return type ? type->name : NULL;
}

const char *hr_router_summary(int32_t router) {
  const hr_router_type *type = hr_router_at(router);
  return type ? type->summary : NULL;
}

bool hr_router_routes(int32_t router) {
  const hr_router_type *type = hr_router_at(router);
  return type && type->routes;
}
