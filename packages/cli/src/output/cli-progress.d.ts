// What is used of cli-progress, which brings no types of its own.
declare module 'cli-progress' {
  interface BarOptions {
    readonly format: string;
    readonly stream: NodeJS.WritableStream;
    readonly clearOnComplete: boolean;
    readonly hideCursor: boolean;
    readonly barsize: number;
    readonly noTTYOutput: boolean;
    readonly gracefulExit: boolean;
  }
  type Payload = Readonly<Record<string, string>>;

  export class SingleBar {
    constructor(options: BarOptions);
    start(total: number, value: number, payload: Payload): void;
    update(value: number, payload: Payload): void;
    stop(): void;
  }
}
