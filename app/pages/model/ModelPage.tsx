/** The station Model. */
import { PageHeader } from '../../components/PageHeader.tsx';

export function ModelPage() {
  return <PageHeader title="Model" lead="" />;
}
