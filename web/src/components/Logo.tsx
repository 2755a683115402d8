export function Logo() {
  return (
    <svg className="logo" viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
      <circle cx="10" cy="8" r="6.5" />
      <path d="M10 18.5V7M10 12l3.5-3M10 10.5 7 8" />
    </svg>
  );
}
