/** Says once, before the first response is read, what kind of text is coming. */
import { acceptContentNotice } from '../../actions/preferences.ts';
import { Button } from '../../components/Button.tsx';
import { ErrorNote } from '../../components/ErrorNote.tsx';
import { useStudio } from '../../store/useStudio.ts';

export function ContentNotice() {
  const seen = useStudio((state) => state.drafts.preferences.contentNoticeSeen);
  if (seen) return null;
  return (
    <ErrorNote
      tone="accent"
      title="What you will read here"
      actions={
        <Button size="s" onClick={acceptContentNotice}>
          Understood
        </Button>
      }
    >
      Prompts that ask for harm, and answers that may comply. The built-in ones are mild; your own may not be. They stay blurred until you reveal them, and you can stop at any time.
    </ErrorNote>
  );
}
