# bash completion for identifai-watch and its like -*- shell-script -*-
# The long options are those that --help knows; anything else is a file.
# SPDX-License-Identifier: LGPL-2.1-or-later

_identifai()
{
  local word=${COMP_WORDS[COMP_CWORD]}

  COMPREPLY=()
  if [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W "$("$1" --help 2>/dev/null | grep -oE -- '--[a-z0-9-]+' | sort -u)" -- "$word"))
  else
    compopt -o filenames
    COMPREPLY=($(compgen -f -- "$word"))
  fi
}

complete -F _identifai identifai-watch identifai-account identifai-emulator identifai-moderate
