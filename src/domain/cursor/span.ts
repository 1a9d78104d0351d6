/** How many blocks one ranged log request asks for: halved when refused, grown slowly while it goes well (C3). */
export const FIRST_SPAN = 500;
export const LARGEST_SPAN = 10_000;

export const shrinkSpan = (span: number): number => Math.max(1, Math.floor(span / 2));

export const growSpan = (span: number): number => Math.min(LARGEST_SPAN, Math.max(span + 1, Math.floor(span * 1.5)));
