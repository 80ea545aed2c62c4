/** The npm package `solc` has no types of its own; this is the part that is used here. */
declare module 'solc' {
  const solc: {
    /** Takes and gives the compiler's standard JSON as text. */
    compile(input: string): string;
    /** Full version of the compiler, such as `0.8.28+commit.7893614a.Emscripten.clang`. */
    version(): string;
  };
  export default solc;
}
