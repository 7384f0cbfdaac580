import { useMutation } from '@tanstack/react-query';
import { useForm, useWatch } from 'react-hook-form';
import { asApiProblem } from '../shell/problem';
import { localeOf } from '../shell/when';
import { useWords } from '../shell/words';
import { Button } from '../ui/Button';
import { Field } from '../ui/Field';
import { Form } from '../ui/Form';
import { type Shades, tokens } from '../ui/brand';
import { type Part } from './LookEditor';
import { editLook } from './look';
import { colourOf, contrastOf, shadesOf } from './shades';
import styles from './look.module.css';

const example = '#0a6570';

/** The colour, and what becomes of it on light and dark pages. */
export function ColourForm({ subject, look, keep, read }: Part) {
  const { t } = useWords();
  const form = useForm({ values: { colour: look.colour ?? '' }, resetOptions: { keepDirtyValues: true } });
  const typed = useWatch({ control: form.control, name: 'colour' });
  const colour = colourOf(typed);
  const save = useMutation({
    mutationFn: ({ colour }: { colour: string }) =>
      editLook(subject, { colour: colour.trim() === '' ? null : colour.trim() }, look.etag),
    onSuccess: saved => {
      keep(saved);
      form.reset({ colour: saved.colour ?? '' }, { keepDirtyValues: false });
    },
    onError: thrown => {
      if (asApiProblem(thrown).kind === 'changed') read();
    },
  });
  // Nothing is typed: what visitors see then is the account's, or Freshet's own.
  const under = subject !== undefined && look.colour === null ? look.shown : undefined;
  const shown = colour === undefined ? under : shadesOf(colour);
  return (
    <section className={styles['part']}>
      <Form
        form={form}
        error={save.error}
        onSubmit={values => {
          save.mutate(values);
        }}
        fields={{ colour: { label: t('look.colour'), wrong: t('look.colour.wrong', { example }) } }}
      >
        <div className={styles['colour']}>
          <Field
            control={form.control}
            name="colour"
            label={t('look.colour')}
            hint={t(subject === undefined ? 'look.colour.hint' : 'look.colour.hint.event', { example })}
            autoComplete="off"
            maxLength={7}
          />
          <input
            type="color"
            className={styles['picker']}
            aria-label={t('look.colour.pick')}
            value={colour ?? example}
            onChange={event => {
              form.setValue('colour', event.target.value, { shouldDirty: true });
            }}
          />
        </div>
        <div className={styles['previews']}>
          {(['light', 'dark'] as const).map(theme => (
            <Preview key={theme} theme={theme} chosen={colour} shades={shown?.[theme] ?? undefined} />
          ))}
        </div>
        <div className={styles['acts']}>
          <Button type="submit" look="main" writes busy={save.isPending}>
            {t('look.colour.save')}
          </Button>
          <span role="status">{save.isSuccess && !form.formState.isDirty ? t('saved') : ''}</span>
        </div>
      </Form>
    </section>
  );
}

/** A button and a link as they look on pages of one theme, and in words what has become of the colour there. */
function Preview({
  theme,
  chosen,
  shades,
}: {
  theme: 'light' | 'dark';
  chosen: string | undefined;
  shades: Shades | undefined;
}) {
  const { t, language } = useWords();
  const style: Record<string, string> = { colorScheme: theme };
  for (const [token, name] of Object.entries(tokens)) if (shades) style[token] = shades[name];
  const ratio = new Intl.NumberFormat(localeOf(language), { maximumFractionDigits: 1 });
  return (
    <figure className={styles['preview']}>
      <div className={styles['sample']} style={style}>
        <span className="button main">{t('look.preview.button')}</span>
        <span className={styles['link']}>{t('look.preview.link')}</span>
      </div>
      <figcaption>
        <strong>{t(`look.preview.${theme}`)}</strong>
        {shades && chosen !== undefined && (
          <span>
            {t(shades.colour === chosen ? 'look.kept' : theme === 'light' ? 'look.darker' : 'look.lighter', {
              colour: shades.colour,
              ratio: ratio.format(contrastOf(shades.colour, shades.onColour)),
            })}
          </span>
        )}
      </figcaption>
    </figure>
  );
}
