import { PageHeader } from '../components/PageHeader';

export function DevicePage() {
  return <PageHeader title="Sign in a terminal" />;
}
