import { PageHeader } from '../components/PageHeader';

export function TasksPage() {
  return <PageHeader title="Tasks" />;
}
