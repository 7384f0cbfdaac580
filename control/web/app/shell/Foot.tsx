import { useState } from 'react';
import { chooseLanguage, languageNames, languages } from '../ui/language';
import { type Theme, chooseTheme, theme } from '../ui/theme';
import { useWords } from './words';

/** The foot of every page: its language and theme. */
export function Foot({ className }: { className?: string | undefined }) {
  const { t, language } = useWords();
  const [chosen, setChosen] = useState<Theme>(theme);
  const themes: Record<Theme, string> = {
    system: t('foot.theme.system'),
    light: t('foot.theme.light'),
    dark: t('foot.theme.dark'),
  };
  return (
    <footer className={`foot ${className ?? ''}`}>
      <span>{t('foot.text')}</span>
      <div className="choices">
        <label>
          {t('foot.theme')}
          <select
            value={chosen}
            onChange={event => {
              const wanted = event.target.value as Theme;
              chooseTheme(wanted);
              setChosen(wanted);
            }}
          >
            {Object.entries(themes).map(([value, name]) => (
              <option key={value} value={value}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label>
          {t('foot.language')}
          <select
            value={language}
            onChange={event => {
              chooseLanguage(languages.find(known => known === event.target.value) ?? 'en');
            }}
          >
            {languages.map(known => (
              <option key={known} value={known} lang={known}>
                {languageNames[known]}
              </option>
            ))}
          </select>
        </label>
      </div>
    </footer>
  );
}
