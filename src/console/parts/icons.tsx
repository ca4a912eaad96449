// The few icons, drawn with one stroke width; always decoration beside a word or a label.

const PATHS = {
  documents: 'M6 3h8l4 4v14H6zM14 3v4h4M9 12h6M9 16h6',
  search: 'M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM15.5 15.5 21 21',
  graph:
    'M12 8a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM5.5 21a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM18.5 21a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM11 7.8 6.8 16.2M13 7.8l4.2 8.4M8 18.5h8',
  courses: 'M3 7l9-4 9 4-9 4zM6 9v6c0 1.5 3 3 6 3s6-1.5 6-3V9M21 7v6',
  releases: 'M12 3l8 4v10l-8 4-8-4V7zM4 7l8 4 8-4M12 11v10',
  operations: 'M3 12h4l3-8 4 16 3-8h4',
  close: 'M6 6l12 12M18 6 6 18',
  upload: 'M12 16V4M7 9l5-5 5 5M4 16v4h16v-4',
  warning: 'M12 3 2 20h20zM12 10v4M12 17v.5',
  empty: 'M4 13l3-8h10l3 8v6H4zM4 13h5l1.5 2.5h3L15 13h5',
  back: 'M15 5l-7 7 7 7',
  next: 'M9 5l7 7-7 7',
  answer: 'M4 5h16v11H9l-5 4z',
  compare: 'M4 4h7v16H4zM13 4h7v16h-7z',
  out: 'M14 4h6v16h-6M10 8l-4 4 4 4M6 12h10',
} as const

export type IconName = keyof typeof PATHS

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  )
}
