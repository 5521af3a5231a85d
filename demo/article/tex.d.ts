declare module '*.tex' {
  /** A `math` element. */
  const mathml: string;
  export default mathml;
}
