// Child processes for the bootstrap: progress on stderr, signals passed on.

import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { basename } from 'node:path';

const firstNoteMs = 2_000;
const nextNoteMs = 10_000;

/** Writes one line to stderr; stdout belongs to the programs that are started. */
export function say(line) {
  process.stderr.write(`${line}\n`);
}

/**
 * Runs one command to its end and resolves to `{ code, output }`; never rejects.
 * `quiet` keeps its output back (returned, for the caller to show on failure) and writes a progress line after 2 s.
 */
export function run([command, ...args], { quiet = false, label = basename(command), env = process.env } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit', env });
    let output = '';
    child.stdout?.on('data', (chunk) => (output += chunk));
    child.stderr?.on('data', (chunk) => (output += chunk));
    const stopNotes = quiet ? startNotes(label) : () => {};
    const stopSignals = passSignals(child);
    const end = (code) => {
      stopNotes();
      stopSignals();
      resolve({ code, output });
    };
    child.once('error', (error) => {
      if (!quiet) say(`${command}: ${error.message}`);
      output += error.message;
      end(127);
    });
    child.once('close', (code, signal) => end(code ?? 128 + (constants.signals[signal] ?? 0)));
  });
}

/** Runs commands in turn until one fails; resolves to the exit code of that one, else 0. */
export async function runInTurn(commands) {
  for (const command of commands) {
    const { code } = await run(command);
    if (code !== 0) {
      say(`failed with exit code ${code}: ${command.map((word) => word.replace(`${process.cwd()}/`, '')).join(' ')}`);
      return code;
    }
  }
  return 0;
}

function startNotes(label) {
  const startedMs = Date.now();
  const note = () => say(`… ${label} (${Math.round((Date.now() - startedMs) / 1000)} s)`);
  let timer = setTimeout(() => {
    note();
    timer = setInterval(note, nextNoteMs);
  }, firstNoteMs);
  return () => clearTimeout(timer);
}

// A terminal sends SIGINT to the whole process group by itself: passing it on would deliver it twice. Either way this
// process waits for the child, which may have a laboratory to take down.
function passSignals(child) {
  const handlers = ['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => {
    const handler = () => {
      if (signal !== 'SIGINT' || process.stdin.isTTY !== true) child.kill(signal);
    };
    process.on(signal, handler);
    return [signal, handler];
  });
  return () => {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  };
}
