declare module 'virtual:opening' {
  const recording: import('./recording.js').Recording;
  export default recording;
}
