import { PageHeader } from '../components/PageHeader';

export function WorkspacePage() {
  return <PageHeader title="Workspace" />;
}
