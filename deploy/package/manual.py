"""Manual pages in the language of man(7)."""


def _text(text):
    """Words as they are to be read."""
    lines = text.replace("\\", "\\e").split("\n")
    return "\n".join("\\&" + line if line.startswith((".", "'")) else line for line in lines)


def _word(text):
    """What is to be typed: its hyphens are those of the keyboard."""
    return _text(text).replace("-", "\\-")


def _sentence(text):
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "?", "!")) else text + "."


def _verbatim(text):
    return ".PP\n.nf\n" + _word(text.strip("\n")) + "\n.fi\n"


def _head(name, section, version):
    return f'.TH {name.upper()} {section} "" "nmq {version}" "nmq"\n'


def _options(options):
    page = ""
    for option in options:
        names = ", ".join("\\fB" + _word(name) + "\\fR" for name in option["names"])
        kind = option["type"]
        joint = " " if option["names"][0].startswith("-") and kind != "VALUE" else "="
        page += ".TP\n" + names + (f"{joint}\\fI{_word(kind)}\\fR" if kind else "") + "\n"
        notes = [_sentence(option["help"])]
        if option["choices"]:
            notes.append("One of " + ", ".join(option["choices"]) + ".")
        if option["default"]:
            notes.append(f"The default is {option['default']}.")
        if option["environment"]:
            notes.append(f"Also {option['environment']} of the environment.")
        page += _text(" ".join(notes)) + "\n"
    return page


def _commands(command):
    """A section for each that can be given, in the order of the help."""
    page = ""
    for part in command["commands"]:
        if part["commands"]:
            page += _commands(part)
            continue
        positionals = part["positionals"]
        words = [p["positional"] if p["required"] else f"[{p['positional']}]" for p in positionals]
        page += ".SS \"" + _word(" ".join(part["path"][1:])) + "".join(f" \\fI{_word(w)}\\fR" for w in words) + "\"\n"
        page += _text(_sentence(part["help"])) + "\n"
        for positional in positionals:
            page += f".TP\n\\fI{_word(positional['positional'])}\\fR\n{_text(_sentence(positional['help']))}\n"
        page += _options([option for option in part["options"] if "--help" not in option["names"]])
    return page


def of_client(nmq, version):
    page = _head("nmq", 1, version)
    page += ".SH NAME\nnmq \\- publish messages to nmqd, hear them, and see who is there\n"
    page += ".SH SYNOPSIS\n.B nmq\n[\\fIOPTIONS\\fR] \\fICOMMAND\\fR [\\fIARGUMENTS\\fR]\n"
    page += (
        ".SH DESCRIPTION\n.B nmq\ntalks to the message server\n.BR nmqd (8).\n"
        "What it prints is for people; with\n.B \\-\\-json\nit is one object a line, for programs.\n"
    )
    page += ".SH OPTIONS\nAll commands have these, before or behind the command.\n" + _options(nmq["options"])
    page += ".SH COMMANDS\n" + _commands(nmq)
    page += ".SH EXIT STATUS\n0 if it is done, 1 if it was refused or failed, 2 if the command line is wrong.\n"
    page += ".SH EXAMPLES\n" + _verbatim(nmq["footer"].split("Examples:\n", 1)[-1].split("\n\n", 1)[0])
    return page + ".SH SEE ALSO\n.BR nmqd (8)\n"


def of_server(nmqd, version):
    about, _, rest = nmqd["usage"].strip().partition("\n")
    page = _head("nmqd", 8, version)
    page += ".SH NAME\nnmqd \\- message server with namespaces, rooms and queues over gRPC\n"
    page += ".SH SYNOPSIS\n.B nmqd\n[\\fIOPTIONS\\fR]\n"
    page += ".SH DESCRIPTION\n" + _text(_sentence(about)) + "\n" + _verbatim(rest)
    page += (
        ".PP\nOnce it serves, it prints a line that begins with \"nmqd ready\", and sends READY=1 to the socket that\n"
        "NOTIFY_SOCKET names, as\n.BR sd_notify (3)\nhas it.\n"
    )
    page += ".SH OPTIONS\n" + _options(nmqd["options"])
    page += ".SH SIGNALS\nSIGTERM and SIGINT stop it in order: clients are asked to leave first. A second one stops it at once.\n"
    page += ".SH EXIT STATUS\n0 after it was told to stop, 1 if it failed, 2 if the command line is wrong.\n"
    page += (
        ".SH FILES\nThose of the package, whose service is\n.IR nmqd.service :\n"
        ".TP\n.I /etc/nmq/nmq.textproto\nThe configuration: limits and namespaces.\n"
        ".TP\n.I /etc/default/nmq\nThe environment: the address that it listens on, and the other options.\n"
        ".TP\n.I /var/lib/nmq\nWhat it keeps.\n"
    )
    page += ".SH LIMITS\nWhat \"limits { ... }\" of the configuration can have.\n"
    for name, what, default, bounds in nmqd["limits"]:
        page += f".TP\n\\fB{_word(name)}\\fR\n{_text(_sentence(what))} The default is {default}; {bounds}.\n"
    return page + ".SH SEE ALSO\n.BR nmq (1)\n"
