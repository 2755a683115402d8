import type { Stretch } from '../../live/segments';
import type { MarkColours } from './palette';

export const MIN_THUMB_PIXELS = 24;
const TICK_PIXELS = 2;
const TICK_INSET = 3;
const TRACK = 'rgb(128 128 128 / 9%)';
const THUMB = 'rgb(160 165 160 / 34%)';

export interface MapPicture {
  readonly size: number;
  readonly from: number;
  readonly to: number;
  readonly stretches: readonly Stretch[];
  /** Offsets. */
  readonly hits: readonly number[];
  readonly colours: MarkColours;
}

export interface Thumb {
  readonly top: number;
  readonly height: number;
}

/** The visible part in pixels. */
export function thumbOf(from: number, to: number, size: number, pixels: number): Thumb {
  if (size <= 0) {
    return { top: 0, height: pixels };
  }
  const height = Math.min(pixels, Math.max(MIN_THUMB_PIXELS, ((to - from) / size) * pixels));
  const range = Math.max(1, size - (to - from));
  return { top: Math.min(1, from / range) * (pixels - height), height };
}

/** The offset that is first in view when the thumb's top is at `top`. */
export function offsetAt(top: number, visible: number, size: number, pixels: number): number {
  const { height } = thumbOf(0, visible, size, pixels);
  const ratio = Math.min(1, Math.max(0, top / Math.max(1, pixels - height)));
  return Math.round(ratio * Math.max(0, size - visible));
}

/** The whole output as a thin column. */
export function drawMap(canvas: HTMLCanvasElement, picture: MapPicture): void {
  const { clientWidth: width, clientHeight: height } = canvas;
  const scale = devicePixelRatio;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const context = canvas.getContext('2d');
  if (context === null || height === 0) {
    return;
  }
  const { size, stretches, hits, colours } = picture;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  context.fillStyle = TRACK;
  context.fillRect(0, 0, width, height);
  const thumb = thumbOf(picture.from, picture.to, size, height);
  context.fillStyle = THUMB;
  context.beginPath();
  context.roundRect(2, thumb.top, width - 4, thumb.height, 2);
  context.fill();
  if (size <= 0) {
    return;
  }
  const tick = (from: number, to: number, colour: string) => {
    const top = Math.min((from / size) * height, height - TICK_PIXELS);
    const pixels = Math.max(TICK_PIXELS, ((to - from) / size) * height);
    context.fillStyle = colour;
    context.fillRect(TICK_INSET, top, width - 2 * TICK_INSET, pixels);
  };
  for (const { from, to, kind } of stretches) tick(from, to, colours[kind]);
  for (const hit of hits) tick(hit, hit, colours.hit);
}
