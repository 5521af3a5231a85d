/** Inputs per call of the model (its `batchSize`). A training step may use fewer points. */
export const capacity = 1024;
