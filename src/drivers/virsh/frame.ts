/**
 * Frames the reply to one command in the output of a kept virsh shell.
 *
 * readline echoes every line that it reads from a pipe, so a token written plainly would show up before its time.
 * It is therefore sent as two quoted halves, which virsh's parser joins: only the output of `echo` holds it whole.
 * The end marks stand on a line of their own, since virsh drops a whole line that it cannot parse.
 */
export interface Frame {
  /** What to write to the shell's stdin. */
  readonly input: string;
  readonly begin: string;
  readonly end: string;
}

/** `token` must be unguessable and new for each command, else what a guest says could end its own reply. */
export const frameCommand = (line: string, token: string): Frame => ({
  input: `echo B""${token}; ${line}\necho E""${token}; echo --err E""${token}\n`,
  begin: `B${token}`,
  end: `E${token}`,
});

/** The command's own stdout, once the end mark is in `received`; undefined before that. */
export const framedStdout = (frame: Frame, received: string): string | undefined => {
  const end = received.indexOf(frame.end);
  if (end < 0) return undefined;
  const begin = received.indexOf(frame.begin);
  if (begin < 0 || begin > end) return ''; // the line was not parsed: stderr says why
  const body = received.slice(begin + frame.begin.length, end);
  const prompt = body.lastIndexOf('virsh # ');
  return prompt < 0 ? body : body.slice(0, prompt);
};

/** The command's own stderr, once the end mark is in `received`; undefined before that. */
export const framedStderr = (frame: Frame, received: string): string | undefined => {
  const end = received.indexOf(`error: ${frame.end}`);
  return end < 0 ? undefined : received.slice(0, end);
};
