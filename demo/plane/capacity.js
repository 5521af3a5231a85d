/** Places that the model takes at once; how many points it learns from at a time is another number. */
export const capacity = 1024;
