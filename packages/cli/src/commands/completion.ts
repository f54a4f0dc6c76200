import { Argument, Command } from 'commander';
import { bashCompletion } from '../completion/bash.js';
import { describeProgram } from '../completion/describe.js';
import { zshCompletion } from '../completion/zsh.js';
import type { CommandContext } from '../context.js';

/** `filetracker completion bash|zsh`: prints a script that completes commands, options and files. */
export function completionCommand({ output }: CommandContext): Command {
  return new Command('completion')
    .description('print a completion script for your shell')
    .addArgument(new Argument('<shell>', 'your shell').choices(['bash', 'zsh']))
    .addHelpText(
      'after',
      '\nExamples:\n  source <(filetracker completion bash)        # in ~/.bashrc\n' +
        '  filetracker completion zsh > "${fpath[1]}/_filetracker"',
    )
    .action((shell: 'bash' | 'zsh', _, command: Command) => {
      if (!command.parent) throw new Error('completion describes the program it belongs to');
      const program = describeProgram(command.parent);
      const script = shell === 'bash' ? bashCompletion(program) : zshCompletion(program);
      output.result(script.trimEnd(), { shell, script });
    });
}
