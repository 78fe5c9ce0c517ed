// The shape of one command of the command line. For entry/cli.

export interface Command {
  /** One line, for the list of commands. */
  readonly summary: string;
  /** What `--help` prints. */
  readonly usage: string;
  /** Answers with the exit code: 0 done, 1 failed, 2 wrongly called or refused. */
  run(args: string[]): Promise<number>;
}
