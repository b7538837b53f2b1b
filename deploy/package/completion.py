"""What shells complete: commands, options, and the values that an option can have."""


def _all(command):
    """It and all below it."""
    yield command
    for part in command["commands"]:
        yield from _all(part)


def _below(command):
    return " ".join(command["path"][1:])


def _with_value(program):
    """The names of options that a value follows."""
    return sorted({
        name for command in _all(program) for option in command["options"] if option["type"] for name in option["names"]
    })


def _options_of(program, command):
    """Its own and, before or behind it, those of the program."""
    own = {option["names"][-1] for option in command["options"]}
    shared = [] if command is program else [o for o in program["options"] if o["names"][-1] not in own]
    return [o for o in command["options"] + shared if o["names"][-1] != "--version" or command is program]


def _name(option):
    """An option of nmqd has its value behind "=", and one of nmq may."""
    return option["names"][-1] + ("=" if option["type"] == "VALUE" else "")


_BASH = """# shellcheck shell=bash
# What bash completes for @; made from the program's own table of commands.
_@() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command="" i words=""
  # Bash takes "=" for a word of its own.
  if [[ $word == = ]]; then
    word=""
  elif [[ $before == = ]]; then
    before=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
      <VALUED>) [[ ${COMP_WORDS[i + 1]} == = ]] && i=$((i + 1)); i=$((i + 1)) ;;
      -*) ;;
      *)
        case "$command ${COMP_WORDS[i]}" in
          <COMMANDS>) command="$command ${COMP_WORDS[i]}" ;;
        esac
        ;;
    esac
  done
  case "$command $before" in
<VALUES>
    *)
      case $command in
<WORDS>
      esac
      ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
  if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then compopt -o nospace; fi
}
complete -F _@ @
"""


def bash(program):
    values, words = [], []
    for command in _all(program):
        path = "".join(" " + word for word in command["path"][1:])
        for option in _options_of(program, command):
            if not option["type"]:
                continue
            patterns = "|".join(f'"{path} {name}"' for name in option["names"])
            if option["choices"]:
                values.append(f'    {patterns}) words="{" ".join(option["choices"])}" ;;')
            elif option["file"]:
                values.append(f"    {patterns})\n      compopt -o filenames")
                values.append('      mapfile -t COMPREPLY < <(compgen -f -- "$word")\n      return\n      ;;')
            else:
                values.append(f"    {patterns}) return ;;")
        offered = [part["path"][-1] for part in command["commands"]]
        offered += [_name(option) for option in _options_of(program, command)]
        words.append(f'        "{path}") words="{" ".join(offered)}" ;;')
    commands = "|".join(f'" {_below(c)}"' for c in _all(program) if c is not program) or "/"
    text = _BASH.replace("<VALUED>", "|".join(_with_value(program)) or "/").replace("<COMMANDS>", commands)
    text = text.replace("<VALUES>", "\n".join(values)).replace("<WORDS>", "\n".join(words))
    return text.replace("@", program["path"][0])


def _zsh_text(text):
    for character in "\\'":
        text = text.replace(character, "'\\" + character + "'" if character == "'" else "\\\\")
    for character in "[]:":
        text = text.replace(character, "\\" + character)
    return text


def _zsh_options(program, command):
    lines = []
    for option in _options_of(program, command):
        for name in option["names"]:
            value = ""
            if option["type"]:
                action = "_files" if option["file"] else " "
                if option["choices"]:
                    action = "(" + " ".join(option["choices"]) + ")"
                value = f":{_zsh_text(option['type'].lower())}:{action}"
            # nmqd's take "=", nmq's both.
            joint = "=" if value and name.startswith("--") else ""
            lines.append(f"'*{name}{joint}[{_zsh_text(option['help'])}]{value}'")
    return lines


def _zsh_function(program, command):
    name = "_" + "_".join(command["path"])
    text = f"{name}() {{\n  local -a commands\n  local context state line\n"
    arguments = _zsh_options(program, command)
    if command["commands"]:
        arguments += ["'1: :->command'", "'*:: :->rest'"]
    else:
        arguments += [f"'{n}:{_zsh_text(p['positional'].lower())}: '" for n, p in enumerate(command["positionals"], 1)]
    text += "  _arguments -C " + " \\\n    ".join(arguments) + "\n"
    if command["commands"]:
        text += "  case $state in\n    command)\n      commands=(\n"
        text += "".join(f"        '{p['path'][-1]}:{_zsh_text(p['help'])}'\n" for p in command["commands"])
        text += "      )\n      _describe command commands\n      ;;\n    rest)\n      case $line[1] in\n"
        text += "".join(f"        {p['path'][-1]}) _{'_'.join(p['path'])} ;;\n" for p in command["commands"])
        text += "      esac\n      ;;\n  esac\n"
    return text + "}\n"


def zsh(program):
    name = program["path"][0]
    text = f"#compdef {name}\n# What zsh completes for {name}; made from the program's own table of commands.\n"
    text += "".join(_zsh_function(program, command) for command in _all(program))
    return text + f'_{name} "$@"\n'


_FISH = """# What fish completes for @; made from the program's own table of commands.
function __@_command
    set -l words (commandline -opc)
    set -e words[1]
    set -l command
    set -l skip 0
    for word in $words
        if test $skip = 1
            set skip 0
            continue
        end
        switch $word
            case <VALUED>
                set skip 1
            case '-*'
            case '*'
                switch "$command $word"
                    case <COMMANDS>
                        set command "$command $word"
                end
        end
    end
    string trim -- "$command"
end
function __@_at
    set -l command (__@_command)
    test "$command" = "$argv"
end
complete -c @ -f
"""


def _fish_text(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def fish(program):
    name = program["path"][0]
    commands = " ".join(f'" {_below(c)}"' for c in _all(program) if c is not program) or '""'
    valued = " ".join(_with_value(program)) or "''"
    text = _FISH.replace("<VALUED>", valued).replace("<COMMANDS>", commands).replace("@", name)
    for command in _all(program):
        at = f"complete -c {name} -n '__{name}_at {_below(command)}'"
        for part in command["commands"]:
            text += f"{at} -a {part['path'][-1]} -d {_fish_text(part['help'])}\n"
        for option in _options_of(program, command):
            names = "".join(f" -l {n[2:]}" if n.startswith("--") else f" -s {n[1:]}" for n in option["names"])
            value = ""
            if option["choices"]:
                value = f" -x -a {_fish_text(' '.join(option['choices']))}"
            elif option["type"]:
                value = " -r -F" if option["file"] else " -x"
            text += f"{at}{names}{value} -d {_fish_text(option['help'])}\n"
    return text
