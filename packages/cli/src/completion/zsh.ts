import type { CommandDescription, ProgramDescription } from './describe.js';

/** A zsh script that completes subcommands, their options with descriptions and, elsewhere, files. */
export function zshCompletion(program: ProgramDescription): string {
  const name = program.name;
  return `#compdef ${name}
_${name}() {
  local line state
  _arguments -C \\
${optionLines(program, '    ')}    '1: :->command' '*:: :->argument'
  case "$state" in
    command)
      local -a commands=(
${program.commands.map((command) => `        ${quote(`${command.name}:${command.description}`)}`).join('\n')}
      )
      _describe command commands ;;
    argument)
      case "$line[1]" in
${program.commands.map(commandCase).join('\n')}
      esac ;;
  esac
}
if [ "$funcstack[1]" = "_${name}" ]; then _${name} "$@"; else compdef _${name} ${name}; fi
`;
}

function commandCase(command: CommandDescription): string {
  const rest = command.choices.length > 0 ? `*: :(${command.choices.join(' ')})` : '*:file:_files';
  return `        ${command.name})
          _arguments \\
${optionLines(command, '            ')}            ${quote(rest)} ;;`;
}

function optionLines(command: CommandDescription, indent: string): string {
  const specs = command.options.flatMap(({ flags, description, takesValue }) =>
    flags.map((flag) => {
      // Brackets and colons separate the parts of a specification.
      const text = description.replaceAll(/[[\]:]/g, String.raw`\$&`);
      return quote(`${flag}[${text}]${takesValue ? ':value:_files' : ''}`);
    }),
  );
  return specs.map((spec) => `${indent}${spec} \\\n`).join('');
}

/** One word in single quotes. */
function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
