import { Link } from '@tanstack/react-router';

export function NotFoundPage() {
  return (
    <main className="alone">
      <p>There is no page at this address.</p>
      <Link to="/">Go to the overview</Link>
    </main>
  );
}
