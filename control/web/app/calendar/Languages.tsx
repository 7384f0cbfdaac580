import { type Control, type FieldPath, type FieldValues } from 'react-hook-form';
import { useWords } from '../shell/words';
import { Checks } from '../ui/Checks';

const offered = ['en', 'fr', 'ar', 'de', 'es', 'it', 'ja', 'nl', 'pl', 'pt', 'uk', 'zh'];

interface Props<T extends FieldValues> {
  control: Control<T>;
  name: FieldPath<T>;
  label: string;
  hint: string;
}

/** The languages that an event is held in. */
export function Languages<T extends FieldValues>(props: Props<T>) {
  const { language } = useWords();
  const names = new Intl.DisplayNames(language, { type: 'language' });
  const choices = offered
    .map(value => ({ value, name: names.of(value) ?? value }))
    .sort((a, b) => a.name.localeCompare(b.name, language));
  return <Checks {...props} choices={choices} />;
}
