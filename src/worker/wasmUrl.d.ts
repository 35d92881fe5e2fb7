/** Vite gives the address of a file that it copies into the build. */
declare module '*.wasm?url' {
  const address: string;
  export default address;
}
