// test/lab/libvirt.ts
import { mkdir as mkdir3, readFile, rm, rmdir, writeFile as writeFile2 } from "node:fs/promises";
import { join as join4 } from "node:path";

// test/lab/event-recorder.ts
import { spawn } from "node:child_process";
import { appendFileSync } from "node:fs";
import { createInterface } from "node:readline";
var reconnectMs = 100;
var shape = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d\.\d+)\+0000: event '([^']*)' for domain '(.*)': (.*)$/;
function recordEvents(uri, file2) {
  const recorded = [];
  const waiters = /* @__PURE__ */ new Set();
  let stopped = false;
  let child = follow();
  function follow() {
    const argv = ["--pdeathsig", "KILL", "virsh", "-q", "-c", uri, "event", "--all", "--loop", "--timestamp"];
    const watcher = spawn("setpriv", argv, {
      stdio: ["ignore", "pipe", "ignore"],
      env: { PATH: process.env.PATH ?? "", LC_ALL: "C" }
    });
    createInterface({ input: watcher.stdout }).on("line", (line) => {
      if (line !== "") note(line);
    });
    watcher.once("exit", () => {
      setTimeout(() => {
        if (!stopped) child = follow();
      }, reconnectMs).unref();
    });
    return watcher;
  }
  function note(line) {
    appendFileSync(file2, `${line}
`);
    const [, date, time, event = "", domain = "", detail = ""] = shape.exec(line) ?? [];
    const last = recorded.at(-1);
    if (date !== void 0) {
      recorded.push({ index: recorded.length, atMs: Date.parse(`${date}T${time}Z`), event, domain, detail, raw: line });
    } else if (last !== void 0) {
      recorded[last.index] = { ...last, detail: `${last.detail}
${line.trim()}`, raw: `${last.raw}
${line}` };
    }
    for (const wake of waiters) wake();
  }
  return {
    events: () => [...recorded],
    waitEvent: (match, { timeoutMs = 15e3, after = 0 } = {}) => new Promise((resolve2, reject) => {
      const look = () => {
        const found = recorded.slice(after).find(match);
        if (found === void 0) return;
        settle();
        resolve2(found);
      };
      const timer = setTimeout(() => {
        settle();
        const tail = recorded.slice(-8).map(({ raw }) => raw);
        reject(new Error([`no such libvirt event within ${timeoutMs} ms; the last ones:`, ...tail].join("\n")));
      }, timeoutMs);
      const settle = () => {
        clearTimeout(timer);
        waiters.delete(look);
      };
      waiters.add(look);
      look();
    }),
    stop: async () => {
      stopped = true;
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((resolve2) => child.once("exit", resolve2));
      child.kill();
      await ended;
    }
  };
}

// test/lab/libvirtd-process.ts
import { spawn as spawn2, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir as mkdir2, writeFile } from "node:fs/promises";
import { join as join3 } from "node:path";

// test/lab/access.ts
import { existsSync } from "node:fs";
import { chmod, chown, copyFile, mkdir, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
async function giveTo(user, ...paths) {
  if (user === void 0) return;
  for (const path of paths) {
    await chown(path, user, user);
    for (let folder = dirname(resolve(path)); folder.startsWith(`${tmpdir()}/`); folder = dirname(folder)) {
      await chmod(folder, (await stat(folder)).mode | 9);
    }
  }
}
async function readableImage(image, user, folder) {
  if (user === void 0) return image;
  await mkdir(folder, { recursive: true });
  await giveTo(user, folder);
  const copied = async (path) => {
    const target = join(folder, basename(path));
    if (!existsSync(target)) await copyFile(path, target);
    await giveTo(user, target);
    return target;
  };
  return {
    dir: folder,
    kernel: await copied(image.kernel),
    initramfs: await copied(image.initramfs),
    base: await copied(image.base)
  };
}

// test/lab/repository.ts
import { existsSync as existsSync2 } from "node:fs";
import { dirname as dirname2, join as join2 } from "node:path";
import { fileURLToPath } from "node:url";
function repositoryPath(...parts) {
  let folder = dirname2(fileURLToPath(import.meta.url));
  while (!existsSync2(join2(folder, "package-lock.json"))) {
    const parent = dirname2(folder);
    if (parent === folder) throw new Error("this module is not inside the repository");
    folder = parent;
  }
  return join2(folder, ...parts);
}

// test/lab/libvirtd-process.ts
var nobody = 65534;
var longestDir = { namespace: 80, session: 40 };
async function launchLibvirtd(dir) {
  const propagation = namespacePropagation();
  const mode = propagation === void 0 ? "session" : "namespace";
  if (dir.length > longestDir[mode]) throw new Error(`too long for unix sockets below it (${mode} mode): ${dir}`);
  await writeConfig(join3(dir, "etc/libvirt"), mode);
  const user = mode === "session" && process.getuid?.() === 0 ? nobody : void 0;
  for (const folder of [
    "",
    "control",
    "run",
    "etc",
    "etc/libvirt",
    "etc/libvirt/qemu",
    "var",
    "var/lib",
    "var/cache",
    "var/log"
  ]) {
    await mkdir2(join3(dir, folder), { recursive: true });
    await giveTo(user, join3(dir, folder));
  }
  const argv = propagation === void 0 ? sessionArgv(dir, user) : namespaceArgv(dir, propagation);
  const child = spawn2("setpriv", argv, {
    stdio: ["ignore", "ignore", "inherit"],
    env: { PATH: process.env.PATH ?? "", LC_ALL: "C" }
  });
  if (child.pid === void 0) throw new Error("setpriv (util-linux) could not be started");
  const scheme = mode === "namespace" ? "qemu+unix:///system" : "qemu+unix:///session";
  return { mode, child, pid: child.pid, user, uri: `${scheme}?socket=${join3(dir, "run/libvirt/libvirt-sock")}` };
}
function namespaceArgv(dir, propagation) {
  const unshare = ["unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "--propagation", propagation];
  return ["--pdeathsig", "KILL", ...unshare, "tini", "--", ...script("libvirtd-namespace.sh"), dir];
}
function sessionArgv(dir, user) {
  const as = user === void 0 ? [] : [`--reuid=${user}`, `--regid=${user}`, "--clear-groups"];
  return ["--pdeathsig", "TERM", ...as, "tini", "-s", "--", ...script("libvirtd-session.sh"), dir];
}
function script(name) {
  return ["sh", "-c", readFileSync(repositoryPath("test/lab", name), "utf8"), name];
}
function namespacePropagation() {
  const allowed = (propagation) => spawnSync("unshare", ["--mount", "--pid", "--fork", "--propagation", propagation, "true"]).status === 0;
  if (process.getuid?.() !== 0) return void 0;
  if (allowed("private")) return "private";
  const shared = / shared:\d/.test(readFileSync("/proc/self/mountinfo", "utf8"));
  return !shared && allowed("unchanged") ? "unchanged" : void 0;
}
async function writeConfig(folder, mode) {
  await mkdir2(join3(folder, "qemu"), { recursive: true });
  const daemon = [
    'auth_unix_ro = "none"',
    'auth_unix_rw = "none"',
    'host_uuid = "6b8a1f0e-4e2b-4f0e-9c51-0a7b9a6b1d5e"'
  ];
  const perms = ['unix_sock_ro_perms = "0700"', 'unix_sock_rw_perms = "0700"'];
  const qemu = ['stdio_handler = "file"', 'security_driver = "none"', "namespaces = []"];
  const privileged = ['user = "root"', 'group = "root"', "dynamic_ownership = 0", "remember_owner = 0"];
  await writeFile(join3(folder, "libvirtd.conf"), lines([...daemon, ...mode === "namespace" ? perms : []]));
  await writeFile(join3(folder, "qemu.conf"), lines([...qemu, ...mode === "namespace" ? privileged : []]));
}
var lines = (entries) => `${entries.join("\n")}
`;

// test/lab/processes.ts
import { readdirSync, readFileSync as readFileSync2 } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
function descendants(pid) {
  const children = /* @__PURE__ */ new Map();
  for (const info of processTable()) children.set(info.parentPid, [...children.get(info.parentPid) ?? [], info]);
  const below = (parent) => (children.get(parent) ?? []).flatMap((child) => [child, ...below(child.pid)]);
  return below(pid);
}
function isAlive(pid) {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync2(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}
async function until(what, condition, { timeoutMs = 15e3, everyMs = 50 } = {}) {
  const startedMs = performance.now();
  while (!await condition()) {
    if (performance.now() - startedMs > timeoutMs) throw new Error(`timed out after ${timeoutMs} ms: ${what}`);
    await sleep(everyMs);
  }
  return Math.round(performance.now() - startedMs);
}
function processTable() {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).flatMap((name) => {
    try {
      const stat2 = readFileSync2(`/proc/${name}/stat`, "utf8");
      const [, command = "", parentPid = "0"] = /^\d+ \((.*)\) \S (\d+)/s.exec(stat2) ?? [];
      const argv = readFileSync2(`/proc/${name}/cmdline`, "utf8").split("\0");
      return [{ pid: Number(name), parentPid: Number(parentPid), command, argv }];
    } catch {
      return [];
    }
  });
}

// test/lab/virsh.ts
import { execa } from "execa";
var patienceMs = 6e4;
function virshOn(uri) {
  const tryVirsh = async (...args) => {
    const argv = ["-q", "-c", uri, ...args];
    const { exitCode, stdout, stderr, timedOut } = await execa("virsh", argv, {
      reject: false,
      timeout: patienceMs,
      env: { LC_ALL: "C" }
    });
    return { exitCode: exitCode ?? 1, stdout, stderr: timedOut ? `no answer within ${patienceMs} ms` : stderr };
  };
  const virsh = async (...args) => {
    const { exitCode, stdout, stderr } = await tryVirsh(...args);
    if (exitCode !== 0) throw new Error(`virsh ${args.join(" ")}: ${stderr.trim()}`);
    return stdout;
  };
  return { virsh, tryVirsh };
}

// test/lab/libvirt.ts
var patienceMs2 = 5e3;
var ownEntries = ["control", "dev", "etc", "image", "run", "var", "libvirtd.log", "events.log"];
async function startLibvirt({ dir }) {
  await mkdir3(dir, { recursive: true });
  const launched = await launchLibvirtd(dir);
  const { mode, uri, user, pid } = launched;
  const client = virshOn(uri);
  await firstAnswer(launched, client, dir);
  const eventsFile = join4(dir, "events.log");
  const recorder = recordEvents(uri, eventsFile);
  const hears = () => awaitRecorder(recorder, client, dir);
  await hears();
  const qemuPid = async (domain) => descendants(pid).find(({ argv }) => argv.includes(`guest=${domain.replaceAll(",", ",,")},debug-threads=on`))?.pid;
  return {
    ...{ uri, mode, dir, user, pid, eventsFile },
    ...client,
    ...daemonControl({ pid, dir, client, hears }),
    events: recorder.events,
    waitEvent: recorder.waitEvent,
    qemuPid,
    kill9: async (domain) => {
      const qemu = await qemuPid(domain);
      if (qemu === void 0) throw new Error(`domain ${domain} has no qemu process`);
      signal(qemu, "SIGKILL");
      await until(`qemu of ${domain} is gone`, () => !isAlive(qemu));
      return qemu;
    },
    stop: async () => {
      await recorder.stop();
      await end(launched);
      await Promise.all(ownEntries.map((entry) => rm(join4(dir, entry), { recursive: true, force: true })));
      await rmdir(dir).catch(() => void 0);
    }
  };
}
async function firstAnswer(launched, client, dir) {
  const { child } = launched;
  const answers = async () => child.exitCode !== null || (await client.tryVirsh("list")).exitCode === 0;
  try {
    await until("libvirtd answers", answers, { timeoutMs: 3e4 });
    if (child.exitCode !== null) throw new Error(`the private libvirtd ended with exit code ${child.exitCode}`);
  } catch (error) {
    const log = await readFile(join4(dir, "libvirtd.log"), "utf8").catch(() => "");
    await end(launched);
    throw new Error(`${error instanceof Error ? error.message : error}
${log.slice(-2e3)}`);
  }
}
async function end({ mode, pid }) {
  const all = [pid, ...descendants(pid).map((below) => below.pid)];
  signal(pid, mode === "namespace" ? "SIGKILL" : "SIGTERM");
  await until("the processes of the private libvirtd end", () => !all.some(isAlive));
}
function daemonControl(deps) {
  const { pid, dir, client, hears } = deps;
  const mark = join4(dir, "control/down");
  const libvirtds = () => descendants(pid).flatMap((below) => below.command === "libvirtd" ? [below.pid] : []);
  const signalAll = (pids, name) => {
    for (const each of pids) signal(each, name);
  };
  const down = async () => {
    await writeFile2(mark, "");
    const pids = libvirtds();
    const gone = () => !pids.some(isAlive);
    signalAll(pids, "SIGTERM");
    await until("libvirtd ends", gone, { timeoutMs: patienceMs2 }).catch(() => signalAll(pids, "SIGKILL"));
    await until("libvirtd is gone", gone);
  };
  const up = async () => {
    await rm(mark, { force: true });
    const answers = async () => (await client.tryVirsh("list")).exitCode === 0;
    await until("libvirtd answers again", answers, { timeoutMs: 3e4 });
    await hears();
  };
  const restart = async () => {
    await down();
    await up();
  };
  return {
    down,
    up,
    restart,
    freeze: () => signalAll(libvirtds(), "SIGSTOP"),
    thaw: () => signalAll(libvirtds(), "SIGCONT")
  };
}
async function awaitRecorder(recorder, { virsh }, dir) {
  const name = `lab-recorder-probe-${process.pid}`;
  const file2 = join4(dir, "control/probe.xml");
  await writeFile2(
    file2,
    `<domain type='qemu'><name>${name}</name><memory>1024</memory><os><type>hvm</type></os></domain>`
  );
  const after = recorder.events().length;
  const heard = () => recorder.events().slice(after).some(({ domain }) => domain === name);
  await until("the event recorder hears libvirt", async () => {
    await virsh("define", file2);
    await virsh("undefine", name);
    return heard();
  });
}

// test/lab/guest.ts
import { randomUUID } from "node:crypto";
import { mkdir as mkdir6, mkdtemp as mkdtemp2, rm as rm3, writeFile as writeFile4 } from "node:fs/promises";
import { tmpdir as tmpdir2 } from "node:os";
import { dirname as dirname4, join as join8 } from "node:path";
import { setTimeout as sleep2 } from "node:timers/promises";
import { execa as execa4 } from "execa";

// test/lab/guest-image.ts
import { createHash } from "node:crypto";
import { existsSync as existsSync3, readFileSync as readFileSync4, renameSync } from "node:fs";
import { copyFile as copyFile2, mkdir as mkdir5, mkdtemp, readdir, rm as rm2, writeFile as writeFile3 } from "node:fs/promises";
import { join as join7 } from "node:path";
import { execa as execa3 } from "execa";

// test/lab/cache.ts
import { spawn as spawn3 } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { mkdir as mkdir4 } from "node:fs/promises";
import { homedir } from "node:os";
import { join as join5 } from "node:path";
function cacheDir() {
  return join5(process.env.XDG_CACHE_HOME || join5(homedir(), ".cache"), "blockhost-lab");
}
async function withCacheLock(name, build2) {
  await mkdir4(cacheDir(), { recursive: true });
  const descriptor = openSync(join5(cacheDir(), `${name}.lock`), "w");
  try {
    const flock = spawn3("flock", ["-x", "-w", "300", "3"], { stdio: ["ignore", "ignore", "inherit", descriptor] });
    const [code] = await once(flock, "exit");
    if (code !== 0) throw new Error(`another process has been building ${name} for five minutes`);
    return await build2();
  } finally {
    closeSync(descriptor);
  }
}

// test/lab/guest-initramfs.ts
import { readdirSync as readdirSync2, readFileSync as readFileSync3, realpathSync } from "node:fs";
import { basename as basename2, dirname as dirname3, join as join6 } from "node:path";
import { gzipSync } from "node:zlib";
import { execa as execa2 } from "execa";

// test/lab/cpio.ts
var directory = (path, mode = 493) => ({ path, mode: 16384 | mode });
var file = (path, content, mode = 420) => ({
  path,
  mode: 32768 | mode,
  content
});
var link = (path, target) => ({ path, mode: 41471, content: target });
var device = (path, major, minor) => ({
  path,
  mode: 8576,
  device: [major, minor]
});
function packCpio(entries) {
  return Buffer.concat([...entries, { path: "TRAILER!!!", mode: 0 }].map(pack));
}
function pack({ path, mode, content = "", device: [major, minor] = [0, 0] }, index) {
  const body = Buffer.from(content);
  const name = Buffer.from(`${path}\0`);
  const fields = [index + 1, mode, 0, 0, 1, 0, body.length, 0, 0, major, minor, name.length, 0];
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`;
  return Buffer.concat([padded(Buffer.concat([Buffer.from(header), name])), padded(body)]);
}
function padded(bytes) {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
}

// test/lab/guest-initramfs.ts
var wantedModules = ["virtio_pci", "virtio_console", "virtio_blk", "virtio_net", "evdev", "button"];
var emptyFolders = [
  "proc",
  "sys",
  "dev",
  "run",
  "data",
  "tmp",
  "root",
  "etc",
  "lib64",
  "modules",
  "usr",
  "usr/bin",
  "usr/sbin"
];
var links = { bin: "usr/bin", sbin: "usr/sbin", lib: "usr/lib", var: "run" };
var accounts = {
  passwd: "root:x:0:0:root:/root:/bin/sh\ncustomer:x:1000:1000::/data/home:/bin/sh\n",
  group: "root:x:0:\ncustomer:x:1000:\n",
  shadow: "root:!:19700:0:99999:7:::\ncustomer:!:19700:0:99999:7:::\n",
  gshadow: "root:!::\ncustomer:!::\n",
  "nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\n",
  "login.defs": "UID_MIN 1000\nGID_MIN 1000\n"
};
async function buildInitramfs(options) {
  const { unpacked, moduleFolder, scripts } = options;
  const script2 = (name) => readFileSync3(join6(scripts, name));
  const busybox = readFileSync3(join6(unpacked, "bin/busybox"));
  const { stdout: applets } = await execa2(join6(unpacked, "bin/busybox"), ["--list"]);
  const modules = modulesInOrder(moduleFolder);
  const programs = [join6(unpacked, "usr/sbin/qemu-ga"), "/usr/sbin/usermod", "/usr/bin/getent"];
  const own = ["usr/sbin/shutdown", "usr/sbin/reboot", "usr/sbin/halt", "usr/sbin/poweroff"];
  const taken = /* @__PURE__ */ new Set(["busybox", "init", "linuxrc", "getent", ...own.map((path) => basename2(path))]);
  return gzipSync(
    packCpio([
      ...emptyFolders.map((path) => directory(path)),
      ...Object.entries(links).map(([path, target]) => link(path, target)),
      device("dev/console", 5, 1),
      file("init", script2("init"), 493),
      ...own.map((path) => file(path, script2("shutdown"), 493)),
      file("usr/bin/busybox", busybox, 493),
      ...applets.split("\n").flatMap((name) => taken.has(name) ? [] : [link(`usr/bin/${name}`, "busybox")]),
      ...programs.map((path) => file(join6("usr/sbin", basename2(path)), readFileSync3(path), 493)),
      ...await libraries(programs),
      file("modules/order", modules.map(({ name }) => `${name}
`).join("")),
      ...modules.map(({ name, content }) => file(`modules/${name}.ko`, content)),
      ...Object.entries(accounts).map(
        ([name, text2]) => file(`etc/${name}`, text2, name.endsWith("shadow") ? 384 : 420)
      ),
      directory("etc/acpi"),
      directory("etc/acpi/PWRF"),
      file("etc/acpi/PWRF/00000080", "#!/bin/sh\nexec /usr/sbin/shutdown -P now\n", 493)
    ])
  );
}
async function libraries(programs) {
  const { stdout } = await execa2("ldd", programs);
  if (stdout.includes("not found")) throw new Error(`a library of the guest's programs is missing here:
${stdout}`);
  const paths = new Set([...stdout.matchAll(/(\/\S+) \(0x/g)].flatMap(([, path]) => path ?? []));
  const placed = [...paths].map((path) => ({
    place: path.replace(/^\/(usr\/)?lib\//, "usr/lib/").replace(/^\//, ""),
    path
  }));
  const folders = new Set(
    placed.flatMap(({ place }) => parents(place)).filter((folder) => !emptyFolders.includes(folder))
  );
  return [
    ...[...folders].sort().map((folder) => directory(folder)),
    ...placed.map(({ place, path }) => file(place, readFileSync3(realpathSync(path)), 493))
  ];
}
function parents(path) {
  const parent = dirname3(path);
  return parent === "." ? [] : [...parents(parent), parent];
}
function modulesInOrder(moduleFolder) {
  const paths = new Map(
    readdirSync2(join6(moduleFolder, "kernel"), { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".ko")).map((path) => [basename2(path, ".ko").replaceAll("-", "_"), join6(moduleFolder, "kernel", path)])
  );
  const ordered = /* @__PURE__ */ new Map();
  const add = (name) => {
    if (ordered.has(name)) return;
    const path = paths.get(name);
    if (path === void 0) throw new Error(`the kernel package has no module ${name}`);
    const content = readFileSync3(path);
    const depends = /\0depends=([^\0]*)\0/.exec(content.toString("latin1"))?.[1] ?? "";
    for (const other of depends.split(",")) if (other !== "") add(other.replaceAll("-", "_"));
    ordered.set(name, { name, content });
  };
  for (const name of wantedModules) add(name);
  return [...ordered.values()];
}

// test/lab/guest-image.ts
var diskMiB = 64;
var sources = ["guest/init", "guest/shutdown", "guest-image.ts", "guest-initramfs.ts", "cpio.ts"];
async function buildGuestImage({ log = () => {
} } = {}) {
  const image = imageIn(join7(cacheDir(), await digest()));
  if (existsSync3(image.dir)) return image;
  return await withCacheLock("guest-image", async () => {
    if (!existsSync3(image.dir)) await build(image.dir, log);
    return image;
  });
}
function imageIn(dir) {
  return { dir, kernel: join7(dir, "vmlinuz"), initramfs: join7(dir, "initramfs.gz"), base: join7(dir, "base.qcow2") };
}
async function digest() {
  const hash = createHash("sha256");
  for (const name of sources) hash.update(readFileSync4(repositoryPath("test/lab", name)));
  const { stdout } = await execa3("dpkg-query", ["-W", "passwd", "libc6", "libglib2.0-0", "qemu-utils"]);
  return hash.update(stdout).digest("hex").slice(0, 16);
}
async function build(target, log) {
  const work = await mkdtemp(join7(cacheDir(), "build-"));
  try {
    log("downloading the kernel, busybox and qemu-ga of Debian");
    const unpacked = await downloadPackages(join7(work, "packages"));
    log("packing the guest");
    const image = imageIn(join7(work, "image"));
    await mkdir5(image.dir);
    const [version = ""] = await readdir(join7(unpacked, "lib/modules"));
    await copyFile2(join7(unpacked, `boot/vmlinuz-${version}`), image.kernel);
    const moduleFolder = join7(unpacked, "lib/modules", version);
    await writeFile3(
      image.initramfs,
      await buildInitramfs({ unpacked, moduleFolder, scripts: repositoryPath("test/lab/guest") })
    );
    await execa3("mke2fs", [
      "-q",
      "-t",
      "ext4",
      "-m",
      "0",
      "-E",
      "lazy_itable_init=0,lazy_journal_init=0",
      join7(work, "base.raw"),
      `${diskMiB}M`
    ]);
    await execa3("qemu-img", ["convert", "-f", "raw", "-O", "qcow2", join7(work, "base.raw"), image.base]);
    renameSync(image.dir, target);
  } finally {
    await rm2(work, { recursive: true, force: true });
  }
}
async function downloadPackages(dir) {
  await mkdir5(dir);
  const { stdout } = await execa3("apt-cache", ["depends", "linux-image-cloud-amd64"]);
  const kernel = /Depends: (linux-image-\S+)/.exec(stdout)?.[1];
  if (kernel === void 0) throw new Error("apt knows no linux-image-cloud-amd64: run `apt-get update` and try again");
  const options = process.getuid?.() === 0 ? ["-o", "APT::Sandbox::User=root"] : [];
  await execa3("apt-get", ["-q", ...options, "download", kernel, "busybox-static", "qemu-guest-agent"], { cwd: dir });
  const unpacked = join7(dir, "unpacked");
  for (const name of await readdir(dir)) await execa3("dpkg-deb", ["-x", join7(dir, name), unpacked]);
  return unpacked;
}

// test/lab/guest-xml.ts
var quickBoot = "console=ttyS0 quiet panic=-1 random.trust_cpu=on mitigations=off nokaslr tsc=reliable no_timer_check cryptomgr.notests audit=0 8250.nr_uarts=1";
function guestXml(options) {
  const { name, uuid, kind, mac, disk, cloudInitIso, serialLog, metadataXml, image } = options;
  const words = `${quickBoot} lab=${kind} lab.name=${name.replace(/[^\w.-]/g, "_")}`;
  const boot = `<kernel>${escapeXml(image.kernel)}</kernel><initrd>${escapeXml(image.initramfs)}</initrd><cmdline>${escapeXml(words)}</cmdline>`;
  return `<domain type='qemu'>
  <name>${escapeXml(name)}</name>
  <uuid>${escapeXml(uuid)}</uuid>
  <metadata>${metadataXml}</metadata>
  <memory unit='MiB'>${kind === "empty" ? 32 : 192}</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type>${kind === "empty" ? "" : boot}</os>
  <features><acpi/></features>
  <cpu mode='maximum'/>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' cache='writeback'/>
      <source file='${escapeXml(disk)}'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <disk type='file' device='cdrom'>
      <driver name='qemu' type='raw'/>
      <source file='${escapeXml(cloudInitIso)}'/>
      <target dev='hda' bus='ide'/>
      <readonly/>
    </disk>
    <interface type='user'>
      <mac address='${escapeXml(mac)}'/>
      <model type='virtio'/>
      <rom enabled='no'/>
    </interface>
    <serial type='file'><source path='${escapeXml(serialLog)}' append='on'/><target port='0'/></serial>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <memballoon model='none'/>
  </devices>
</domain>
`;
}
function escapeXml(text2) {
  return text2.replace(/[&<>'"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

// test/lab/guest.ts
async function defineGuest(lab2, options) {
  const { name, uuid = randomUUID(), kind = "normal", storageDir, metadata } = options;
  const mac = options.mac ?? `52:54:00:${uuid.slice(0, 6).match(/../g)?.join(":")}`;
  const image = await readableImage(await buildGuestImage(), lab2.user, join8(lab2.dir, "image"));
  const disk = join8(storageDir, `${name}.qcow2`);
  const serialLog = join8(lab2.dir, "var/log/libvirt", `${name}.serial.log`);
  await mkdir6(storageDir, { recursive: true });
  await mkdir6(join8(lab2.dir, "var/log/libvirt"), { recursive: true });
  await execa4("qemu-img", ["create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", image.base, disk]);
  const cloudInitDir = join8(options.cloudInitDir, name);
  const cloudInitIso = await writeCloudInit(cloudInitDir, name, uuid);
  await giveTo(lab2.user, disk, cloudInitIso, dirname4(serialLog));
  const xml = guestXml({
    name,
    uuid,
    kind,
    mac,
    disk,
    cloudInitIso,
    serialLog,
    image,
    metadataXml: metadata?.xml ?? ""
  });
  await defineDomain(lab2, xml);
  return {
    name,
    uuid,
    mac,
    disk,
    cloudInitDir,
    cloudInitIso,
    serialLog,
    ...observe(lab2, name, mac),
    ...inside(lab2, name)
  };
}
function observe(lab2, name, mac) {
  const state = async () => {
    const { exitCode, stdout, stderr } = await lab2.tryVirsh("domstate", "--domain", name);
    if (exitCode === 0) return stdout.trim();
    if (/Domain not found|failed to get domain/.test(stderr)) return "absent";
    throw new Error(stderr.trim());
  };
  return {
    start: async () => void await lab2.virsh("start", "--domain", name),
    state,
    waitState: (wanted, timeoutMs = 3e4) => until(`${name} is ${wanted}`, async () => await state() === wanted, { timeoutMs, everyMs: 100 }),
    linkState: async () => (await lab2.virsh("domif-getlink", "--domain", name, "--interface", mac)).trim().split(" ").at(-1) ?? ""
  };
}
function inside(lab2, name) {
  const agent = async (execute, args) => {
    const request = JSON.stringify({ execute, ...args === void 0 ? {} : { arguments: args } });
    const reply = await lab2.virsh("qemu-agent-command", "--domain", name, "--timeout", "5", request);
    return JSON.parse(reply).return;
  };
  const exec = async (argv, { input, timeoutMs = 15e3 } = {}) => {
    const [path, ...arg] = argv;
    const encoded = input === void 0 ? {} : { "input-data": Buffer.from(input).toString("base64") };
    const { pid } = await agent("guest-exec", { path, arg, "capture-output": true, ...encoded });
    const deadlineMs = Date.now() + timeoutMs;
    for (; ; ) {
      const status = await agent("guest-exec-status", { pid });
      if (status.exited)
        return { exitCode: status.exitcode ?? -1, stdout: text(status["out-data"]), stderr: text(status["err-data"]) };
      if (Date.now() > deadlineMs) throw new Error(`${argv.join(" ")} in ${name} did not end within ${timeoutMs} ms`);
      await sleep2(50);
    }
  };
  const output = async (...argv) => {
    const { exitCode, stdout, stderr } = await exec(argv);
    if (exitCode !== 0) throw new Error(`${argv.join(" ")} in ${name}: exit code ${exitCode}: ${stderr.trim()}`);
    return stdout.trimEnd();
  };
  return {
    exec,
    waitAgent: (timeoutMs = 6e4) => until(`the agent of ${name} answers`, () => agent("guest-ping").then(Boolean, () => false), {
      timeoutMs,
      everyMs: 100
    }),
    gecos: async (user = "customer") => (await output("getent", "passwd", user)).split(":")[4] ?? "",
    setGecos: async (comment, user = "customer") => void await output("usermod", "-c", comment, user),
    bootId: () => output("cat", "/proc/sys/kernel/random/boot_id"),
    poweroffFromInside: async () => void await output("/sbin/poweroff")
  };
}
var text = (base64 = "") => Buffer.from(base64, "base64").toString();
async function writeCloudInit(dir, name, uuid) {
  await mkdir6(dir, { recursive: true });
  const userData = join8(dir, "user-data");
  const metaData = join8(dir, "meta-data");
  const iso = join8(dir, `${name}-cloud-init.iso`);
  await writeFile4(userData, "#cloud-config\nusers: [{ name: customer }]\n", { mode: 384 });
  await writeFile4(metaData, `instance-id: ${uuid}
local-hostname: ${name}
`);
  await execa4("genisoimage", ["-quiet", "-o", iso, "-V", "cidata", "-J", "-r", userData, metaData]);
  return iso;
}
async function defineDomain(lab2, xml) {
  const dir = await mkdtemp2(join8(tmpdir2(), "blockhost-define-"));
  try {
    const file2 = join8(dir, "domain.xml");
    await writeFile4(file2, xml);
    await lab2.virsh("define", "--file", file2);
  } finally {
    await rm3(dir, { recursive: true, force: true });
  }
}

// ../../tmp/lab/t9.ts
var lab = await startLibvirt({ dir: "/tmp/lab/lv9" });
try {
  for (const n of [1, 3, 6]) {
    const gs = await Promise.all(Array.from({ length: n }, (_, i) => defineGuest(lab, { name: `n${n}-${i}`, storageDir: "/tmp/lab/s9", cloudInitDir: "/tmp/lab/s9" })));
    const t = Date.now();
    await Promise.all(gs.map((g) => g.start()));
    const s = Date.now() - t;
    await Promise.all(gs.map((g) => g.waitAgent(12e4)));
    console.log(n, "guests: start", s, "agents", Date.now() - t);
    const t2 = Date.now();
    await Promise.all(gs.map((g) => lab.virsh("shutdown", g.name, "--mode", "acpi")));
    await Promise.all(gs.map((g) => g.waitState("shut off")));
    console.log("acpi", Date.now() - t2);
    if (n === 1) {
      const g = gs[0];
      let x = Date.now();
      await g.start();
      await g.waitAgent();
      const ru = process.memoryUsage().rss;
      x = Date.now();
      await g.exec(["true"]);
      console.log("exec", Date.now() - x);
      x = Date.now();
      await g.gecos();
      console.log("gecos", Date.now() - x);
      x = Date.now();
      await g.setGecos("a");
      console.log("usermod", Date.now() - x);
      x = Date.now();
      await g.state();
      console.log("state", Date.now() - x);
      await lab.virsh("destroy", g.name);
    }
  }
} finally {
  await lab.stop();
}
