#!/usr/bin/env bash
# complete.sh SHELL FOLDER WORD...: what SHELL offers for the last of the words, by the completions in FOLDER; in a line.
set -euo pipefail

shell=$1 folder=$2
shift 2
case $shell in
  bash)
    # shellcheck disable=SC2016 # that is for the inner one
    bash -c 'source "$0/$1"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); "_$1" 2>/dev/null; echo "${COMPREPLY[*]}"' \
      "$folder" "$@"
    ;;
  fish)
    # shellcheck disable=SC2016 # that is for fish
    fish --no-config -c 'source $argv[1]/$argv[2].fish; complete -C (string join " " -- $argv[2..-1])' "$folder" "$@" |
      cut -f 1 | tr '\n' ' '
    ;;
  zsh)
    # A zsh on a terminal of its own, where Tab is typed.
    # shellcheck disable=SC2016 # that is for zsh
    zsh -f -c '
      zmodload zsh/zpty
      folder=$1
      shift
      zpty shell zsh -f -i
      zpty -w shell "PS1= fpath=($folder \$fpath); autoload -Uz compinit; compinit -u -D; LISTMAX=10000"
      # The list is printed between two marks, whatever the terminal is told besides.
      zpty -w shell "list-all() { zle list-choices; zle -R; print -n \"<\"end\">\"; }; zle -N list-all; bindkey \"^I\" list-all"
      zpty -w shell "echo \"<\"begin\">\""
      zpty -r shell text "*<begin>*"
      zpty -w -n shell "$*"$'"'\\t'"'
      zpty -r shell text "*<end>*"
      print -r -- $text
    ' zsh "$folder" "$@" | sed 's/\x1b\[[0-9;?]*[A-Za-z]//g' | tr '\r\n' '  '
    ;;
esac
