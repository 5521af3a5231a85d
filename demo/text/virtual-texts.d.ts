declare module 'virtual:text/*' {
  const text: string;
  export default text;
}
