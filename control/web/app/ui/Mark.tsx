/** The mark: one strand that parts into three. Decorative: the name stands beside it. */
export function Mark() {
  return (
    <svg
      viewBox="0 0 32 32"
      width={28}
      height={28}
      fill="none"
      stroke="currentColor"
      strokeWidth={3.2}
      strokeLinecap="round"
      aria-hidden
    >
      <path d="M4 16H12C18 16 18 6 28 6" />
      <path d="M4 16H28" />
      <path d="M4 16H12C18 16 18 26 28 26" />
    </svg>
  );
}
