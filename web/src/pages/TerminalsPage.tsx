import { PageHeader } from '../components/PageHeader';

export function TerminalsPage() {
  return <PageHeader title="Terminals" />;
}
