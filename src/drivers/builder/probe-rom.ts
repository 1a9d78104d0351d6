/*
 * A firmware of 64 KiB for a machine that shows whether it executes. It starts where x86 starts, 16 bytes below the end,
 * goes into 32-bit protected mode (processors without unrestricted guests emulate real mode), counts down from 2^26, says
 * so to the panic device, and halts. The count tells apart what executes from what emulates one instruction after the
 * other: hardware needs some 30 ms for it, qemu's translator 0.3 s, an emulating KVM minutes.
 */

/** Guest-physical address of the ROM: it ends at 4 GiB. */
const romBytes = 0x1_0000;
const entry = 0xff00;
const iterations = 1 << 26;

const littleEndian = (value: number, bytes: number): number[] =>
  Array.from({ length: bytes }, (_, index) => Math.floor(value / 256 ** index) % 256);

const protectedMode = entry + 24;
const gdt = entry + 48;
const gdtPointer = gdt + 16;
const linear = (offset: number): number => 0xffff_0000 + offset;

const program = [
  0xfa, //                                                             cli
  ...[0x66, 0x2e, 0x0f, 0x01, 0x16, ...littleEndian(gdtPointer, 2)], // lgdt cs:[gdtPointer]
  ...[0x0f, 0x20, 0xc0], //                                            mov eax, cr0
  ...[0x0c, 0x01], //                                                  or al, 1
  ...[0x0f, 0x22, 0xc0], //                                            mov cr0, eax
  ...[0x66, 0xea, ...littleEndian(linear(protectedMode), 4), 0x08, 0x00], // jmp 8:protectedMode
  ...[0xb9, ...littleEndian(iterations, 4)], //         protectedMode: mov ecx, iterations
  ...[0x49, 0x75, 0xfd], //                                            dec ecx; jnz back to it
  ...[0x66, 0xba, 0x05, 0x05], //                                      mov dx, 0x505 (pvpanic)
  ...[0xb0, 0x01, 0xee], //                                            mov al, 1; out dx, al
  ...[0xf4, 0xeb, 0xfd], //                                            hlt; jmp back to it
];

// A null descriptor, and flat code that is marked as accessed: nothing writes to a ROM.
const descriptors = [...littleEndian(0, 8), 0xff, 0xff, 0x00, 0x00, 0x00, 0x9b, 0xcf, 0x00];
const pointer = [...littleEndian(descriptors.length - 1, 2), ...littleEndian(linear(gdt), 4)];
const reset = [0xe9, ...littleEndian((entry - 0xfff3 + romBytes) % romBytes, 2)]; // jmp entry

/** The firmware, built anew at each call. */
export const probeRom = (): Buffer => {
  const rom = Buffer.alloc(romBytes, 0x90);
  rom.set(program, entry);
  rom.set([...descriptors, ...pointer], gdt);
  rom.set(reset, 0xfff0);
  return rom;
};
