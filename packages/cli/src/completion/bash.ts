import type { CommandDescription, ProgramDescription } from './describe.js';

/** A bash script that completes subcommands, their options and, elsewhere, files. */
export function bashCompletion(program: ProgramDescription): string {
  const withValue = flagsOf(program, true);
  return `# bash completion for ${program.name}
_${program.name}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" command="" index word values="" flags=""
  for ((index = 1; index < COMP_CWORD; index++)); do
    word="\${COMP_WORDS[index]}"
    case "$word" in
      ${withValue.join('|')}) ((index++)) ;;
      -*) ;;
      *) command="$word"; break ;;
    esac
  done
  case "$command" in
    "") values="${program.commands.map(({ name }) => name).join(' ')}"; flags="${flagsOf(program).join(' ')}" ;;
${program.commands.map(commandCase).join('\n')}
  esac
  if [[ "$current" == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$current"))
  elif [[ -n "$values" ]]; then
    COMPREPLY=($(compgen -W "$values" -- "$current"))
  else
    COMPREPLY=($(compgen -f -- "$current"))
  fi
}
complete -o filenames -o bashdefault -F _${program.name} ${program.name}
`;
}

function commandCase(command: CommandDescription): string {
  return `    ${command.name}) values="${command.choices.join(' ')}"; flags="${flagsOf(command).join(' ')}" ;;`;
}

/** The spellings of a command's options; with `takesValue`, of those only that take a value. */
function flagsOf(command: CommandDescription, takesValue = false): string[] {
  return command.options.filter((o) => !takesValue || o.takesValue).flatMap(({ flags }) => flags);
}
