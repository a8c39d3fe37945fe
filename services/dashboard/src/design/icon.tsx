/** Drawn on a grid of 16, in the colour of the text. */
const paths = {
  play: "M4.5 2.8v10.4L13 8z",
  pause: "M4 3h3v10H4zM9 3h3v10H9z",
  stop: "M3.5 3.5h9v9h-9z",
  stepBack: "M11.5 3v10L5 8zM3.4 3h1.6v10H3.4z",
  stepForward: "M4.5 3v10L11 8zM11 3h1.6v10H11z",
  rewind: "M8 3v10L1.6 8zM14.4 3v10L8 8z",
  toStart: "M12.5 3v10L6 8zM3.5 3h1.7v10H3.5z",
} as const;

const strokes = {
  previousEvent: "M9.5 3.5 5 8l4.5 4.5M13 5.2v0M13 8v3.2",
  nextEvent: "M6.5 3.5 11 8l-4.5 4.5M3 5.2v0M3 8v3.2",
  loop: "M3 8V6.5A2.5 2.5 0 0 1 5.500 4H12M10 2l2 2-2 2M13 8v1.500A2.5 2.5 0 0 1 10.500 12H4M6 14l-2-2 2-2",
  rangeIn: "M6 3H4v10h2M7.500 8H13M10.500 5.500 13 8l-2.500 2.500",
  rangeOut: "M10 3h2v10h-2M8.500 8H3M5.500 5.500 3 8l2.500 2.500",
  close: "M4 4l8 8M12 4l-8 8",
  chevron: "M4.500 6.500 8 10l3.500-3.500",
  sun: "M8 5.200a2.800 2.800 0 1 0 0 5.600 2.800 2.800 0 0 0 0-5.600M8 1.500v1.400M8 13.100v1.400M1.500 8h1.400M13.100 8h1.400M3.400 3.400l1 1M11.600 11.600l1 1M12.600 3.400l-1 1M4.400 11.600l-1 1",
  moon: "M13 9.600A5.500 5.500 0 1 1 6.400 3a4.400 4.400 0 0 0 6.600 6.600z",
  help: "M6 6.200A2.100 2.100 0 1 1 8.700 8.200c-.5.2-.7.5-.7 1v.5M8 12.200v0M8 1.800a6.200 6.200 0 1 0 0 12.400A6.200 6.200 0 0 0 8 1.800",
  download: "M8 2.500v7M5 7l3 3 3-3M3 13h10",
  link: "M6.700 9.300a2.500 2.500 0 0 0 3.500 0l2.300-2.300A2.500 2.500 0 0 0 9 3.500l-.8.8M9.300 6.700a2.500 2.500 0 0 0-3.500 0L3.500 9A2.500 2.500 0 0 0 7 12.500l.8-.8",
  plus: "M8 3.500v9M3.500 8h9",
  minus: "M3.500 8h9",
  people:
    "M6 7.500a2.200 2.200 0 1 0 0-4.400 2.200 2.200 0 0 0 0 4.400M1.800 13c.3-2.300 2-3.600 4.200-3.600s3.900 1.300 4.200 3.600M10.800 3.400a2.100 2.100 0 0 1 0 3.900M12 9.700c1.300.5 2.100 1.700 2.300 3.300",
  gauge: "M2.500 11.500a5.800 5.800 0 1 1 11 0M8 10l3-3.500",
  trash: "M3 4.500h10M6.500 4.500V3h3v1.500M4.500 4.500l.6 8.500h5.800l.6-8.500",
  search: "M7 2.800a4.200 4.200 0 1 0 0 8.400 4.200 4.200 0 0 0 0-8.400M10.200 10.200 13.500 13.500",
  pin: "M8 9.800V14M5 9.800h6M6 2.500h4l-.5 4 1.500 3.300H5l1.500-3.300z",
  reset: "M3 3v3.500h3.500M3.300 6.300A5.200 5.200 0 1 1 2.800 9",
  arrow: "M3 8h10M9.500 4.500 13 8l-3.500 3.500",
  sliders: "M3 4.500h6M12 4.500h1M3 11.500h1M7 11.500h6M10.500 3v3M5.500 10v3",
} as const;

export type IconName = keyof typeof paths | keyof typeof strokes;

export function Icon({ name, size = 16 }: { readonly name: IconName; readonly size?: number }) {
  const filled = name in paths;
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill={filled ? "currentColor" : "none"}
      stroke={filled ? "none" : "currentColor"}
      strokeWidth={1.4}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={({ ...paths, ...strokes } as const)[name]} />
    </svg>
  );
}
