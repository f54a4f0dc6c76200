import type { Command, Option } from 'commander';

/** An option as completion scripts need it. */
interface OptionDescription {
  /** The spellings, such as `-r` and `--remote-url`. */
  readonly flags: readonly string[];
  readonly description: string;
  readonly takesValue: boolean;
}

/** A command as completion scripts need it. */
export interface CommandDescription {
  readonly name: string;
  readonly description: string;
  readonly options: readonly OptionDescription[];
  /** Fixed values of the arguments, such as `bash` and `zsh`; empty where arguments are names or files. */
  readonly choices: readonly string[];
}

/** The program's options and all its subcommands. */
export interface ProgramDescription extends CommandDescription {
  readonly commands: readonly CommandDescription[];
}

/** Reads the description off the commands themselves, so that scripts cannot fall behind them. */
export function describeProgram(program: Command): ProgramDescription {
  return { ...describeCommand(program), commands: program.commands.map(describeCommand) };
}

function describeCommand(command: Command): CommandDescription {
  return {
    name: command.name(),
    description: command.description(),
    options: command.createHelp().visibleOptions(command).map(describeOption),
    choices: command.registeredArguments.flatMap((argument) => argument.argChoices ?? []),
  };
}

function describeOption(option: Option): OptionDescription {
  const flags = [option.short, option.long].filter((flag) => flag !== undefined && flag !== null);
  return { flags, description: option.description, takesValue: option.required || option.optional };
}
