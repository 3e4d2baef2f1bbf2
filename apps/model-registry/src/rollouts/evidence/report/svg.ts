import { escape } from './html.js';

/** A drawing area with linear scales; y grows upwards. */
export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly margin: { readonly top: number; readonly right: number; readonly bottom: number; readonly left: number };
  readonly x: Scale;
  readonly y: Scale;
}

export interface Scale {
  readonly min: number;
  readonly max: number;
  readonly label: string;
  readonly format: (value: number) => string;
}

const SIZE = { width: 720, height: 300, margin: { top: 14, right: 18, bottom: 52, left: 76 } };

export const frame = (x: Scale, y: Scale): Frame => ({ ...SIZE, x: widened(x), y: widened(y) });

/** A range of one value would divide by nothing. */
const widened = (scale: Scale): Scale => (scale.max > scale.min ? scale : { ...scale, min: scale.min - 0.5, max: scale.max + 0.5 });

export const px = ({ width, margin: { left, right }, x: { min, max } }: Frame, value: number): number => round(left + ((clamp(value, min, max) - min) / (max - min)) * (width - left - right));
export const py = ({ height, margin: { top, bottom }, y: { min, max } }: Frame, value: number): number => round(height - bottom - ((clamp(value, min, max) - min) / (max - min)) * (height - top - bottom));

/** What stands outside of the frame is drawn at its edge. */
const clamp = (value: number, min: number, max: number): number => Math.min(max, Math.max(min, value));
const round = (value: number): number => Math.round(value * 10) / 10;

/** A picture with axes; `title` is what a screen reader says. */
export function chart(area: Frame, title: string, content: readonly string[]): string {
  const { width, height } = area;
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escape(title)}">${axes(area)}${content.join('')}</svg>`;
}

function axes(area: Frame): string {
  const { width, height, margin, x, y } = area;
  const bottom = height - margin.bottom;
  const horizontal = ticks(y.min, y.max, 5).map((value) => `<line class="grid" x1="${margin.left}" x2="${width - margin.right}" y1="${py(area, value)}" y2="${py(area, value)}"/><text class="tick" x="${margin.left - 8}" y="${py(area, value) + 5}" text-anchor="end">${escape(y.format(value))}</text>`);
  const vertical = ticks(x.min, x.max, 7).map((value) => `<text class="tick" x="${px(area, value)}" y="${bottom + 20}" text-anchor="middle">${escape(x.format(value))}</text>`);
  const labels = `<text class="axis" x="${(margin.left + width - margin.right) / 2}" y="${height - 6}" text-anchor="middle">${escape(x.label)}</text><text class="axis" x="16" y="${(margin.top + bottom) / 2}" text-anchor="middle" transform="rotate(-90 16 ${(margin.top + bottom) / 2})">${escape(y.label)}</text>`;
  return `${horizontal.join('')}${vertical.join('')}<line class="base" x1="${margin.left}" x2="${width - margin.right}" y1="${bottom}" y2="${bottom}"/>${labels}`;
}

/** Round values within a range: steps of 1, 2 or 5 times a power of ten. */
export function ticks(min: number, max: number, wanted: number): number[] {
  const rough = (max - min) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough)!;
  const found: number[] = [];
  for (let index = Math.ceil(min / step - 1e-9); index * step <= max + step * 1e-9; index++) found.push(Number((index * step).toPrecision(12)));
  return found;
}

export const polyline = (className: string, points: readonly (readonly [number, number])[]): string => `<polyline class="${className}" points="${points.map((point) => point.join()).join(' ')}"/>`;
export const polygon = (className: string, points: readonly (readonly [number, number])[]): string => `<polygon class="${className}" points="${points.map((point) => point.join()).join(' ')}"/>`;
export const horizontalLine = (area: Frame, className: string, value: number): string =>
  value < area.y.min || value > area.y.max ? '' : `<line class="${className}" x1="${area.margin.left}" x2="${area.width - area.margin.right}" y1="${py(area, value)}" y2="${py(area, value)}"/>`;
