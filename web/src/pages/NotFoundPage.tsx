import { Link } from '@tanstack/react-router';

export function NotFoundPage() {
  return (
    <main className="alone">
      <h1>There is no page at this address</h1>
      <Link to="/">Go to the overview</Link>
    </main>
  );
}
