/** The flags that the built program is to be started with, from the first line of its `main.js`. */
export declare function readNodeFlags(path: string): string[];
